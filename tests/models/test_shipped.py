"""The checkpoints that are shipped: what their cards say is measured again, on all test images of its data set."""

import base64
import zlib
from typing import Any

import numpy as np
import pytest

from konkyo.models.files import checkpoint
from konkyo.models.files.checkpoint import Checkpoint, load
from konkyo.models.filters.contributions import contributions
from konkyo.trainer.data import Labelled
from konkyo.trainer.data import read as read_data
from konkyo.trainer.data.about import SHA256
from support.folders import DATA
from tests.helpers.sure import sure

FOUND = sorted(path.stem for path in checkpoint.DIRECTORY.glob("*.safetensors"))
IMPORTED = ["tiny-vgg"]

PARAMETERS = {
    "paired-3x3": 2_368,
    "summed-3x3": 922,
    "deep-7x9x9": 2_204,
    "lenet-6x16": 5_046,
    "animals-3x3": 2_368,
    "animals-6x16": 5_046,
}


@pytest.fixture(scope="module", params=[name for name in FOUND if name not in IMPORTED])
def shipped(request: pytest.FixtureRequest) -> Checkpoint:
    return load(checkpoint.DIRECTORY / f"{request.param}.safetensors")


@pytest.fixture(scope="module")
def tested(shipped: Checkpoint, digits: Labelled) -> Labelled:
    """The test images of its data set."""
    found = digits if sure(shipped.card.dataset).name == "MNIST" else read_data(DATA / "animals", "t10k")
    assert (found.about.name, found.about.classes) == (sure(shipped.card.dataset).name, shipped.network.classes)
    return found


@pytest.fixture(scope="module")
def pairs(shipped: Checkpoint, tested: Labelled) -> list[tuple[int, int]]:
    """(shown, read) for every test image, in float64."""
    network = shipped.network.astype(np.float64)
    logits = network.logits(tested.images / 255).tolist()
    return [(shown, some.index(max(some))) for shown, some in zip(tested.labels.tolist(), logits, strict=True)]


def test_exactly_these_are_shipped() -> None:
    assert sorted([*PARAMETERS, *IMPORTED]) == FOUND
    assert (checkpoint.DIRECTORY / "tiny-vgg.LICENSE").read_text().startswith("MIT License")


def test_the_card_counts_as_we_do(shipped: Checkpoint, pairs: list[tuple[int, int]], tested: Labelled) -> None:
    accuracy, shown = sure(shipped.card.accuracy), [truth for truth, _ in pairs]
    assert accuracy.test_images == len(pairs)
    assert accuracy.test == sum(truth == read for truth, read in pairs) / len(pairs)
    confusion = [[0] * 10 for _ in range(10)]
    for truth, read in pairs:
        confusion[truth][read] += 1
    assert accuracy.confusion == tuple(map(tuple, confusion))
    assert accuracy.per_class == tuple(confusion[digit][digit] / shown.count(digit) for digit in range(10))
    # In float32 no image is read otherwise.
    single = shipped.network.logits(tested[:2000].scaled(np.float32)).argmax(-1)
    assert single.tolist() == [read for _, read in pairs[:2000]]


def test_was_chosen_by_validation(shipped: Checkpoint) -> None:
    selection, accuracy = sure(shipped.card.selection), sure(shipped.card.accuracy)
    best = max(selection.runs, key=lambda run: run.chosen_by)  # the first of equal ones
    assert selection.seed == best.seed
    assert (accuracy.validation, accuracy.test) == (best.validation, best.test)
    files = sure(shipped.card.dataset).files
    assert (files == SHA256) == (sure(shipped.card.dataset).name == "MNIST")
    assert len(files) == 4


def test_its_card_says_what_is_there(shipped: Checkpoint, tested: Labelled) -> None:
    count = sum(array.size for array in shipped.network.weights.values())
    assert shipped.card.parameters == shipped.network.architecture.parameters == count == PARAMETERS[shipped.name]
    files, probe = sure(shipped.card.dataset).files, shipped.card.probe
    assert all(files[name] == tested.about.files[name] for name in files if name.startswith("t10k"))
    assert zlib.decompress(base64.b64decode(probe.image)) == tested.images[0].tobytes()
    assert probe.predicted == tested.labels[0] == np.argmax(probe.logits)
    # What is added to the logits of all classes is no part of the prediction.
    assert sure(shipped.card.training).centred is True
    for name in ("affine.weight", "affine.bias"):
        assert np.abs(shipped.network.weights[name].astype(np.float64).sum(0)).max() < 1e-6


@pytest.mark.parametrize(("name", "right"), [("paired-3x3", 0.98), ("animals-3x3", 0.92), ("animals-6x16", 0.96)])
def test_most_are_read(name: str, right: float) -> None:
    card: Any = load(checkpoint.DIRECTORY / f"{name}.safetensors").card
    assert card.accuracy.test >= right
    if name.startswith("animals"):
        assert card.classes[6] == "giraffe"
        assert (card.dataset.licence, card.training.augmentations.mirror) == ("MIT", True)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_the_ledger_adds_up_on_500_images(shipped: Checkpoint, dtype: type, bound: float, tested: Labelled) -> None:
    """For every class, not only the one that is read; against the forward pass, not the ledger's own copy of it."""
    network, images = shipped.network.astype(dtype), tested[:500].scaled(dtype)
    ledger = contributions(network, images)
    explained = ledger.contributions.sum((-2, -1)) + ledger.filter_bias.sum(-1) + network.weights["affine.bias"]
    assert np.abs(network.logits(images) - explained).max() < bound
    assert np.abs(ledger.residual).max() < bound
