import hashlib
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from konkyo.models.files import probe
from konkyo.models.files.checkpoint import Checkpoint, load
from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from konkyo.trainer.data.about import MNIST
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.augmentation import with_copies
from konkyo.trainer.training.publish import publish
from konkyo.trainer.training.recipe import Recipe
from konkyo.trainer.training.run import Best, Run
from tests.helpers.oracles import PAIRED
from tests.helpers.refuse import refuses
from tests.helpers.runs import finished, run_of
from tests.helpers.sure import sure

RECIPE = Recipe(steps=60, batch=20, learning_rate=0.01, held_out=100, evaluate_every=30)


@pytest.fixture(scope="module")
def runs(digits: Labelled, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three real runs; by validation the second is best, and the third is its equal."""
    folder = tmp_path_factory.mktemp("runs")
    made = []
    for seed, validation in ((7, 0.75), (8, 0.875), (9, 0.875)):
        run = run_of(PAIRED, RECIPE, [seed], digits[:600], folder / f"{seed}.pt")
        for _ in run.train():
            pass
        run.best = [Best(validation, run.best[0].step, run.best[0].weights)]
        made.append(run)
    return made


def predictions(run: Run, digits: Labelled) -> list[int]:
    """One image at a time, in float64."""
    network = run.reached.network(0).astype(np.float64)
    return [int(network.logits(image / 255).argmax()) for image in digits.images]


def validated(run: Run, digits: Labelled) -> float:
    """Accuracy on the 100 of 600 images that were held out."""
    _, held_out = digits[:600].split(100)
    return sum(map(int.__eq__, predictions(run, held_out), held_out.labels.tolist())) / 100


@pytest.fixture(scope="module")
def relabelled(digits: Labelled, runs: list[Run]) -> Labelled:
    """Images labelled so that the first run predicts every one rightly, and the others do not."""
    some = digits[1_000:1_200]
    return Labelled(some.images, np.array(predictions(runs[0], some), np.uint8))


def publishing(
    name: str, runs: Sequence[Run], digits: Labelled, test: Labelled, minimum: float, to: Path
) -> Checkpoint:
    return publish(name, [run.reached for run in runs], digits[:600], test, minimum, to)


def measured_by_hand(network: Network, digits: Labelled) -> dict[str, float]:
    """An image at a time: the negative log-likelihood, and the distance of confidence from truth in each 15th."""
    likelihoods, bins = [], [[0.0, 0.0] for _ in range(15)]
    for image, label in zip(digits.images, digits.labels.tolist(), strict=True):
        logits = [float(logit) for logit in network.astype(np.float64).logits(image / 255)]
        powers = [math.exp(logit - max(logits)) for logit in logits]
        shares = [power / sum(powers) for power in powers]
        likelihoods.append(-math.log(shares[label]))
        place = math.ceil(max(shares) * 15) - 1
        bins[place][0] += shares.index(max(shares)) == label
        bins[place][1] += max(shares)
    error = sum(abs(right - said) for right, said in bins) / len(digits)
    return {"nll": round(sum(likelihoods) / len(digits), 6), "ece": round(error, 6)}


def test_chooses_by_validation_though_the_test_images_prefer_another(
    runs: list[Run], digits: Labelled, relabelled: Labelled, tmp_path: Path
) -> None:
    assert predictions(runs[0], relabelled) == relabelled.labels.tolist()
    assert predictions(runs[1], relabelled) != relabelled.labels.tolist()
    published = publishing("chosen", runs, digits, relabelled, 0.0, tmp_path)
    assert sure(published.card.selection).seed == 8  # the first of equal ones
    chosen = runs[1].reached.network(0)
    assert {name: array.tolist() for name, array in published.network.weights.items()} == {
        name: array.tolist() for name, array in chosen.weights.items()
    }
    assert sure(publishing("turned", runs[::-1], digits, relabelled, 0.0, tmp_path).card.selection).seed == 9


def test_augmented_copies_take_part_in_the_choice_and_not_in_the_validation(digits: Labelled, tmp_path: Path) -> None:
    recipe = replace(RECIPE, augmented=True)
    run = finished(run_of(PAIRED, recipe, [8], digits[:600], tmp_path / "state.pt"))
    card = publishing("augmented", [run], digits, digits[600:700], 0.0, tmp_path).card
    told_by = "validation accuracy on 100 held-out training images and 8 augmented copies of each"
    assert sure(card.selection).by == told_by
    [told] = card.runs
    assert told.validation == sure(card.accuracy).validation == validated(run, digits)
    images, labels = with_copies(digits[:600].split(100)[1])
    predicted = run.reached.network(0).logits(images.numpy()[:, 0]).argmax(-1)
    assert sure(sure(card.training).augmentations).model_dump() == {
        "turn": 0.08,
        "stretch": 0.04,
        "slant": 0.06,
        "shift": 0.8,
        "mirror": False,
    }
    assert told.chosen_by == (predicted == labels.numpy()).mean() != told.validation


# What a card says of both stages.
USUAL_STAGE = {
    "padding": 0,
    "pool": {"side": 2, "stride": 2, "kind": "max"},
    "bias": True,
    "stride": 1,
    "padding_behind": None,
    "groups": 1,
    "bias_map": False,
    "activation": "relu",
    "after": "none",
    "sources": [],
}


def test_the_card_says_what_was_done_and_measured(runs: list[Run], digits: Labelled, tmp_path: Path) -> None:
    some = digits[2_000:2_300]
    published = publishing("named", runs, digits, some, 0.0, tmp_path)
    predicted, shown = predictions(runs[1], some), some.labels.tolist()
    pairs = list(zip(shown, predicted, strict=True))
    card = json.loads((tmp_path / "named.json").read_text())
    reliability = measured_by_hand(published.network, some)
    assert card == {
        "format_version": 5,
        "name": "named",
        "input": {"channels": 1, "side": 28, "range": [0, 1], "polarity": "light-on-dark", "border": [0]},
        "stages": [
            {"filters": 3, "kernel": 5, "wiring": "summed", **USUAL_STAGE},
            {"filters": 3, "kernel": 3, "wiring": "paired", **USUAL_STAGE},
        ],
        "head": {"hidden": [], "activation": "relu"},
        "parameters": 2368,
        "classes": list("0123456789"),
        "preprocessing": "mnist",
        "polarity": "auto",
        "warnings": ["mostly-ink", "several-pieces"],
        "recipe": asdict(RECIPE),
        "training": {"augmentations": None, "loss": "cross-entropy with the labels", "centred": True},
        "selection": {
            "by": "validation accuracy on 100 held-out training images",
            "seed": 8,
            "runs": [
                {
                    "seed": run.seeds[0],
                    "validation": validated(run, digits),
                    "chosen_by": chosen_by,
                    "step": run.best[0].step,
                    "test": sum(map(int.__eq__, predictions(run, some), shown)) / 300,
                }
                for run, chosen_by in zip(runs, (0.75, 0.875, 0.875), strict=True)
            ],
        },
        "dataset": MNIST.card.model_dump(mode="json"),
        "imported": None,
        "temperature": 1,
        "calibration": {
            "fitted": "not fitted: there are 100 held-out training images as they are, fewer than 500",
            "bins": 15,
            "before": reliability,
            "after": reliability,
            "made_by": "konkyo train",
            "made_of": None,
        },
        "accuracy": {
            "validation": validated(runs[1], digits),
            "test": sum(truth == digit for truth, digit in pairs) / 300,
            "test_images": 300,
            "per_class": [pairs.count((digit, digit)) / shown.count(digit) for digit in range(10)],
            "confusion": [[pairs.count((truth, digit)) for digit in range(10)] for truth in range(10)],
        },
        "probe": probe.make(runs[1].reached.network(0), some.images[0]).model_dump(mode="json"),
        "made_with": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
        "sha256": hashlib.sha256((tmp_path / "named.safetensors").read_bytes()).hexdigest(),
    }
    assert published.card.model_dump(mode="json") == card
    assert load(tmp_path / "named.safetensors").card == published.card


def test_the_validation_accuracy_decides_whether_it_is_written(
    runs: list[Run], digits: Labelled, tmp_path: Path
) -> None:
    """All test images being predicted rightly helps nothing, and wrongly hinders nothing. An older one stays."""
    right = round(100 * validated(runs[1], digits))
    assert 0 < right < 98
    some = digits[1_000:1_200]
    predicted = np.array(predictions(runs[1], some), np.uint8)
    perfect, wrong = Labelled(some.images, predicted), Labelled(some.images, (predicted + 1) % 10)
    message = (
        f"low predicts {right}.00% of 100 held-out images correctly, below the minimum accuracy of 98.00%: "
        "no checkpoint was written. Train longer or from more seeds, or lower --minimum-accuracy"
    )
    with refuses(RunError, message):
        publishing("low", runs, digits, perfect, 0.98, tmp_path)
    assert list(tmp_path.iterdir()) == []
    older = publishing("low", runs, digits, wrong, right / 100, tmp_path)
    accuracy = sure(older.card.accuracy)
    assert (accuracy.test, accuracy.validation) == (0, right / 100)
    with pytest.raises(RunError):
        publishing("low", runs, digits, perfect, right / 100 + 1e-9, tmp_path)
    assert load(tmp_path / "low.safetensors").sha256 == older.sha256


def test_an_unfinished_run_is_not_published(digits: Labelled, relabelled: Labelled, tmp_path: Path) -> None:
    run = run_of(PAIRED, RECIPE, [1], digits[:600], tmp_path / "1.pt")
    next(run.train())
    with refuses(RunError, f"seed 1 is at step {run.step} of {RECIPE.steps}: train it to the end first"):
        publishing("early", [run], digits, relabelled, 0.0, tmp_path)
    assert not list(tmp_path.glob("early*"))
