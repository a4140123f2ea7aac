"""The temperature: found, folded into the last layer and told; by training, by importing and by its own command."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from typer.testing import CliRunner

from konkyo.models.files import checkpoint as files
from konkyo.models.files.card import Document
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint, load
from konkyo.models.network import softmax
from konkyo.trainer.cli import app
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.importing.command import run as bring
from konkyo.trainer.studies import calibration as study
from konkyo.trainer.training.logits import divided, temperature
from konkyo.trainer.training.publish import publish, rescaled
from konkyo.trainer.training.recipe import Recipe
from tests.helpers.datasets import write_idx
from tests.helpers.oracles import PAIRED, random_network
from tests.helpers.refuse import refuses
from tests.helpers.runs import finished, run_of
from tests.helpers.studies import measured
from tests.helpers.sure import sure


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 60))
def test_the_temperature_has_the_least_negative_log_likelihood_from_1_to_20(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = scale * rng.normal(size=(200, 5)), rng.integers(0, 5, 200)
    logits[np.arange(200), labels] += scale * rng.random(200) * 2

    def likelihood(at: float) -> float:
        return float((logsumexp(logits / at, axis=1) - logits[np.arange(200), labels] / at).mean())

    best = minimize_scalar(likelihood, bounds=(1, 20), method="bounded", options={"xatol": 1e-6})
    found = temperature(logits, labels)
    assert 1 <= found <= 20
    assert likelihood(found) <= best.fun + 1e-6


RECIPE = Recipe(steps=150, batch=20, learning_rate=0.02, held_out=600, evaluate_every=150)


@pytest.fixture(scope="module")
def published(digits: Labelled, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkpoint, Checkpoint]:
    """The same short training, with logits as they were trained and calibrated."""
    folder = tmp_path_factory.mktemp("calibration")
    reached = finished(run_of(PAIRED, RECIPE, [3], digits[:1_200], folder / "state.pt")).reached
    plain, calibrated = (
        publish("net", [reached], digits[:1_200], digits[1_200:], 0.0, folder / str(asked), calibrate=asked)
        for asked in (False, True)
    )
    return plain, calibrated


def test_training_divides_the_logits_and_changes_no_prediction(
    published: tuple[Checkpoint, Checkpoint], digits: Labelled
) -> None:
    plain, calibrated = published
    card, before = calibrated.card, sure(plain.card.calibration)
    assert (plain.card.temperature, before.fitted) == (1, "not fitted: it was not asked for")
    assert before.before == before.after == sure(card.calibration).before
    assert sure(card.temperature) > 1.05
    images = digits[1_200:].scaled(np.float64)
    raw, cool = plain.precise.logits(images), calibrated.precise.logits(images)
    np.testing.assert_allclose(cool * sure(card.temperature), raw, atol=1e-5)
    assert (raw.argmax(1) == cool.argmax(1)).all()
    assert sure(card.accuracy) == sure(plain.card.accuracy)
    told = sure(card.calibration)
    assert told.after.nll < told.before.nll
    _, held_out = digits[:1_200].split(600)
    logits = plain.precise.logits(held_out.scaled(np.float64))
    wrong = int((logits.argmax(1) != held_out.labels).sum())
    assert card.temperature == temperature(logits, held_out.labels)
    assert told.fitted == (
        f"fitted on 600 held-out training images as they are, of which {wrong} are predicted wrongly"
    )
    # What is added to all logits alike is no part of a prediction, and the empty image still has no class.
    assert np.abs(calibrated.network.weights["affine.weight"].astype(np.float64).sum(0)).max() < 1e-6


def test_images_of_which_none_is_wrong_say_no_temperature(digits: Labelled, tmp_path: Path) -> None:
    run = finished(
        run_of(PAIRED, Recipe(steps=1, batch=20, held_out=600, evaluate_every=1), [3], digits[:700], tmp_path / "s")
    )
    predicted = run.reached.network(0).astype(np.float64).logits(digits[:700].scaled(np.float64)).argmax(1)
    some = Labelled(digits[:700].images, predicted.astype(np.uint8))
    card = publish("net", [run.reached], some, digits[700:900], 0.0, tmp_path).card
    assert card.temperature == 1
    assert sure(card.calibration).fitted == (
        "not fitted: none of 600 held-out training images as they are is predicted wrongly"
    )


def test_the_command_makes_of_an_older_checkpoint_what_training_makes_now(
    published: tuple[Checkpoint, Checkpoint], digits: Labelled, tmp_path: Path
) -> None:
    plain, calibrated = published
    parts = {"train": digits[:1_200], "t10k": digits[1_200:]}
    made = rescaled(plain, parts.__getitem__, tmp_path)
    for name, weights in calibrated.network.weights.items():
        np.testing.assert_array_equal(made.network.weights[name], weights)
    card, expected = made.card.model_dump(), calibrated.card.model_dump()
    assert card["calibration"].pop("made_of") == plain.sha256
    assert card["calibration"].pop("made_by") == (
        "konkyo calibrate net.safetensors --data FOLDER --out FOLDER, with the data set MNIST"
    )
    assert (expected["calibration"].pop("made_of"), expected["calibration"].pop("made_by")) == (None, "konkyo train")
    assert {**card, "sha256": ""} == {**expected, "sha256": ""}
    older = (tmp_path / "net.safetensors").read_bytes()
    with refuses(RunError, f"{tmp_path} holds net.safetensors; name another folder with --out, nothing is overwritten"):
        rescaled(plain, parts.__getitem__, tmp_path)
    assert (tmp_path / "net.safetensors").read_bytes() == older
    with refuses(RunError, f"net is calibrated: its logits are divided by {card['temperature']}"):
        rescaled(made, parts.__getitem__, tmp_path / "twice")
    assert not (tmp_path / "twice").exists()


def test_the_command_says_what_it_did(
    published: tuple[Checkpoint, Checkpoint], digits: Labelled, tmp_path: Path
) -> None:
    plain, _ = published
    data = tmp_path / "data"
    write_idx(data, "train", digits[:1_200].images, digits[:1_200].labels.tolist())
    write_idx(data, "t10k", digits[1_200:].images, digits[1_200:].labels.tolist())
    (data / "classes.txt").write_text("\n".join("0123456789"))
    document = Document.model_validate(plain.card.model_dump(exclude={"sha256"}), strict=False)
    file = files.save(tmp_path / "own", plain.network, document)
    arguments = ["calibrate", str(tmp_path / "own" / "net.safetensors"), f"--data={data}", f"--out={tmp_path / 'out'}"]
    result = CliRunner().invoke(app, arguments)
    assert str(result.exception) == (
        "these images are not those of MNIST that net was trained on; name their folder with --data"
    )
    assert file.sha256 == load(tmp_path / "own" / "net.safetensors").sha256
    tiny = CliRunner().invoke(app, ["calibrate", str(DIRECTORY / "tiny-vgg.safetensors"), f"--out={tmp_path}"])
    assert str(tiny.exception) == (
        "tiny-vgg was imported, so it has no held-out images; `konkyo import --calibrate` fits one"
    )


def test_importing_measures_and_divides_only_if_asked(
    tmp_path: Path, digits: Labelled, capsys: pytest.CaptureFixture[str]
) -> None:
    network = random_network(PAIRED, 1, np.float32)
    path, data = tmp_path / "net.safetensors", tmp_path / "data"
    save_file(dict(network.weights), path)
    write_idx(data, "train", digits[:600].images, digits[:600].labels.tolist())
    write_idx(data, "t10k", digits[600:900].images, digits[600:900].labels.tolist())
    (data / "classes.txt").write_text("\n".join("0123456789"))
    options = [str(path), "--stages=3k5,3k3q", "--range=0,1"]
    assert bring([*options, f"--out={tmp_path}", "--calibrate"], "konkyo import") == 1
    assert capsys.readouterr().err == (
        "error: --calibrate needs --data, the data set whose training images say the temperature\n"
    )
    made = {}
    for name, more in (("as-it-is", []), ("divided", ["--calibrate"])):
        arguments = [*options, f"--data={data}", f"--out={tmp_path / 'out'}", f"--name={name}", *more]
        assert bring(arguments, "konkyo import") == 0
        made[name] = load(tmp_path / "out" / f"{name}.safetensors")
    said = capsys.readouterr().out
    plain, cool = made["as-it-is"].card, made["divided"].card
    assert (plain.temperature, sure(plain.calibration).fitted) == (1, "not fitted: imported as it is")
    expected = temperature(network.astype(np.float64).logits(digits[:600].images / 255), digits[:600].labels)
    assert cool.temperature == expected > 1
    assert sure(cool.calibration).after.nll < sure(cool.calibration).before.nll
    assert "temperature 1, not fitted: imported as it is; of the test images: negative log-likelihood " in said
    assert f"temperature {expected:g}, fitted on 600 training images of the data set, on which it may have" in said


def test_the_study_measures_what_the_card_says(
    published: tuple[Checkpoint, Checkpoint], digits: Labelled, tmp_path: Path
) -> None:
    _, calibrated = published
    found, written = measured(study.STUDY, calibrated, digits[1_200:], tmp_path)
    told = sure(calibrated.card.calibration)
    for moment, card in (("before", told.before), ("after", told.after)):
        assert written[moment]["nll"] == pytest.approx(card.nll, abs=2e-5)
        assert written[moment]["ece"] == pytest.approx(card.ece, abs=2e-5)
        assert sum(one["images"] for one in written[moment]["bins"]) == len(digits) - 1_200
    probabilities = softmax(calibrated.precise.logits(digits[1_200:].scaled(np.float64))).max(1)
    assert written["after"]["sure"] == pytest.approx((probabilities > 0.9999).mean())
    counts, confidence, right = found.after.bins
    inside = (probabilities > 14 / 15) & (probabilities <= 1)
    assert counts[-1] == inside.sum()
    assert confidence[-1] == pytest.approx(probabilities[inside].mean())
    assert right[-1] == pytest.approx(found.after.right[inside].mean())


def test_a_network_that_is_divided_by_1_is_the_same() -> None:
    network = random_network(PAIRED, 1, np.float32)
    assert divided(network, 1.0, centre=True) is network
    assert json.dumps(divided(network, 2.0, centre=False).weights["affine.bias"].tolist()) == json.dumps(
        (network.weights["affine.bias"] / 2).tolist()
    )
