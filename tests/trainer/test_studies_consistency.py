"""The consistency study by brute force, on a hand-set network, and as a command after a training."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import konkyo.trainer.commands.studies as command_module
import konkyo.trainer.commands.train as train_module
import konkyo.trainer.figures.consistency as figure_module
import konkyo.trainer.studies.consistency as study_module
from konkyo.models.architecture import Architecture, parse_stages
from konkyo.models.errors import BudgetError
from konkyo.models.files.checkpoint import Checkpoint, load, load_all
from konkyo.models.grounds.budget import Budget
from konkyo.models.grounds.proofs import grounds
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.studies.consistency import STUDY, ConsistencyStudy, chance_overlap
from konkyo.trainer.studies.study import Asked
from tests.helpers.commands import invoked, trainer
from tests.helpers.lamp import checkpoint_of, lamp_network
from tests.helpers.oracles import PAIRED, random_network
from tests.helpers.refuse import refuses
from tests.helpers.studies import caught, inked, lamps, measured, nothing, players_of


def shown(image: Array, squares: Any) -> Array:
    hidden = np.zeros_like(image)
    for square in squares:
        hidden[square] = image[square]
    return hidden


def suffices(network: Network, image: Array, kept: set[tuple[int, int]]) -> bool:
    """Whether every hiding of the other regions keeps the class, by a forward pass for each."""
    inside = [square for square in players_of(image) if (square[0].start // 4, square[1].start // 4) in kept]
    outside = [square for square in players_of(image) if square not in inside]
    ways = [[*inside, *some] for count in range(len(outside) + 1) for some in combinations(outside, count)]
    predicted = network.logits(np.array([shown(image, way) for way in ways])).argmax(-1)
    return bool((predicted == network.logits(image).argmax()).all())


def compared(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint, networks: list[Network], digits: Digits, runs: Path
) -> tuple[ConsistencyStudy, dict[str, Any]]:
    """The study of networks that are no seeds of one training."""
    monkeypatch.setattr(study_module, "_networks", lambda _: networks)
    return measured(STUDY, checkpoint, digits, runs)


def test_the_study_is_every_pair_by_hand(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 4)
    few, checkpoints = inked(digits, 7, 5), load_all()
    networks = [checkpoints[name].precise for name in ("paired-3x3", "summed-3x3")]
    found, _ = compared(monkeypatch, checkpoints["paired-3x3"], networks, few, tmp_path)
    images = few.images / 255
    predicted = np.array([network.logits(images).argmax(-1) for network in networks])
    alike = np.flatnonzero(predicted[0] == predicted[1])
    assert (found.place.tolist(), found.images) == (alike.tolist(), 5)
    for row, (image, target) in enumerate(zip(images[alike], predicted[0, alike], strict=True)):
        players = players_of(image)
        ink = [image[square].sum() for square in players]
        hidden = np.array([image - shown(image, [square]) for square in players])
        drops = [network.logits(image)[target] - network.logits(hidden)[:, target] for network in networks]
        assert found.correlation["occlusion 4×4"][row] == pytest.approx([spearmanr(*drops).statistic])
        assert found.ink["occlusion 4×4"][row] == pytest.approx([spearmanr(one, ink).statistic for one in drops])
        sets = [set(grounds(network, image).sufficient.regions) for network in networks]
        if all(sets):
            assert found.overlap[row] == pytest.approx([len(sets[0] & sets[1]) / len(sets[0] | sets[1])])
        else:
            assert np.isnan(found.overlap[row])
        expected = [[suffices(network, image, one) for network in networks] for one in sets]
        assert found.holds[row].tolist() == expected
        assert found.holds_for_others()[row] == (expected[0][1] + expected[1][0]) / 2


def test_a_network_agrees_with_itself(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = load_all()["paired-3x3"]
    _, written = compared(monkeypatch, checkpoint, [checkpoint.precise] * 2, digits[:5], tmp_path)
    assert (written["images"], written["predicted_alike"]) == (5, 5)
    assert {name: one["between_networks"][0] for name, one in written["maps"].items()} == {
        name: pytest.approx(1) for name in ("Shapley 4×4", "occlusion 4×4", "occlusion 2×2")
    }
    assert written["sufficient_sets"]["overlap"] == [1, 0]
    assert written["sufficient_sets"]["hold_for_another_network"] == [1, 0]
    assert written["sufficient_sets"]["overlap_by_chance"][0] < 1


def test_a_set_that_is_empty_has_no_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lamp proves the 6; a dust that is predicted as a 2 needs no region."""
    network = lamp_network()
    found, _ = compared(monkeypatch, checkpoint_of(network), [network] * 2, lamps(6, 6, 2), tmp_path)
    assert found.overlap[:2].tolist() == [[1], [1]]
    assert np.isnan(found.overlap[2]).all()
    assert found.holds.tolist() == [[[1, 1], [1, 1]]] * 3


def test_what_is_not_proven_within_the_budget_is_not_known(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = load_all()["paired-3x3"]
    monkeypatch.setattr(study_module, "_networks", lambda _: [checkpoint.precise] * 2)
    with monkeypatch.context() as patch:
        patch.setattr(study_module, "CHECK", Budget(entries=0, hidings=0, nodes=0))
        sets_alone = STUDY.measure(Asked(checkpoint, digits[:2], tmp_path / "sets"), lambda _: nothing)
    assert sets_alone.overlap.tolist() == [[1], [1]]
    assert np.isnan(sets_alone.holds).all()

    def spent(*_: object) -> None:
        raise BudgetError("too much work")

    monkeypatch.setattr(study_module, "grounds", spent)
    nothing_known = STUDY.measure(Asked(checkpoint, digits[:2], tmp_path / "none"), lambda _: nothing)
    assert np.isnan(nothing_known.overlap).all()
    assert np.isnan(nothing_known.holds).all()


@pytest.mark.parametrize(("players", "one", "other"), [(5, 2, 3), (6, 1, 1), (4, 4, 2), (7, 3, 5)])
def test_chance_is_the_mean_over_all_sets(players: int, one: int, other: int) -> None:
    first = set(range(one))
    overlaps = [len(first & set(some)) / len(first | set(some)) for some in combinations(range(players), other)]
    assert chance_overlap(players, one, other) == pytest.approx(np.mean(overlaps))


@pytest.mark.usefixtures("unrendered")
def test_two_maps_where_the_networks_own_regions_are_the_fine_ones(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_network(Architecture(parse_stages("2k3")), 3)
    checkpoint = checkpoint_of(network, "small")
    found, written = compared(monkeypatch, checkpoint, [network] * 2, digits[:2], tmp_path)
    assert [*written["maps"]] == ["Shapley 2×2", "occlusion 2×2"]
    figure_module.draw(tmp_path / "figure.png", Asked(checkpoint, digits[:2], tmp_path), found)


def test_after_a_training(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes the networks of all seeds from the runs, and says what is missing. 700 images stand in."""
    for module in (train_module, command_module):
        monkeypatch.setattr(
            module, "data_set", lambda _, part, *__: digits[:600] if part == "train" else digits[600:700]
        )
    models, runs, out = tmp_path / "models", tmp_path / "runs", tmp_path / "out"
    trained = "--steps=30", "--batch=20", "--held-out=100", "--seeds=3", "--minimum-accuracy=0"
    trainer("train", *trained, "--name=tried", "--out", models, "--runs", runs)
    figures = caught(figure_module, monkeypatch)
    asked = "study", "consistency", "--models", models, "--out", out, "--images=25", "--runs"
    said = trainer(*asked, runs)
    written = json.loads((out / "tried" / "consistency.json").read_text())
    assert written["seeds"] == [1, 2, 3]
    assert f"3 networks of different seeds. They predict {written['predicted_alike']} of 25 test images" in said
    assert (out / "tried" / "consistency.png").read_bytes().startswith(b"\x89PNG")
    assert "do 3 seeds have the same reasons?" in figures[0].subfigs[0].texts[0].get_text()
    missing = invoked(*asked, tmp_path / "nowhere", "--model=tried")
    where = "holds no finished run of seed 1, 2, 3; train tried again, or name the folder of its runs with --runs"
    assert str(missing.exception) == f"{tmp_path / 'nowhere' / 'tried'} {where}"
    # Of one seed, and asked before the other.
    trainer("train", *trained, "--seeds=1", "--name=alone", "--out", models, "--runs", runs)
    said = trainer(*asked, runs)
    assert "consistency of alone is left out: alone is not of several seeds, so there is nothing to compare" in said
    assert f"{written['predicted_alike']} of 25 test images" in said
    refused = invoked(*asked, runs, "--model=alone")
    assert str(refused.exception).startswith("alone is not of several seeds")

    checkpoint = load(models / "tried.safetensors")
    card = checkpoint.card
    assert card.selection is not None
    alone = card.selection.model_copy(update={"runs": card.selection.runs[:1]})
    with refuses(RunError, f"{runs / 'tried'} holds another training than that of tried"):
        STUDY.parts(Asked(replace(checkpoint, network=random_network(PAIRED, 1)), digits[:2], runs))
    for changed, message in (
        ({"recipe": {"steps": 31}}, f"{runs / 'tried'} {where}"),
        (
            {"selection": alone},
            "tried is not of several seeds, so there is nothing to compare; `trainer train --seeds 10` trains ten",
        ),
    ):
        with refuses(RunError, message):
            STUDY.parts(Asked(replace(checkpoint, card=card.model_copy(update=changed)), digits[:2], runs))


@pytest.mark.parametrize("alike", [0, 1])
def test_networks_that_predict_too_little_alike_are_not_compared(
    alike: int, digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = [random_network(PAIRED, seed) for seed in (1, 2)]
    one, other = (network.logits(digits[:200].images / 255).argmax(-1) for network in networks)
    some = digits[np.concatenate([np.flatnonzero(one == other)[:alike], np.flatnonzero(one != other)[:3]])]
    with refuses(RunError, f"the networks predict {alike} of {3 + alike} images alike; take more --images"):
        compared(monkeypatch, checkpoint_of(networks[0]), networks, some, tmp_path)
