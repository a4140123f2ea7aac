"""The checkpoints that are shipped: what their cards say is measured again, on all 10,000 test images."""

import numpy as np
import pytest

from models import checkpoint
from models.checkpoint import Checkpoint, load
from models.contributions import contributions
from tests.helpers.oracles import slow_trace
from trainer.about import SHA256
from trainer.data import Digits

FOUND = sorted(path.stem for path in checkpoint.DIRECTORY.glob("*.safetensors"))

PARAMETERS = {"paired-3x3": 2_368, "summed-3x3": 922, "lenet-6x16": 5_046}


@pytest.fixture(scope="module", params=FOUND)
def shipped(request: pytest.FixtureRequest) -> Checkpoint:
    return load(checkpoint.DIRECTORY / f"{request.param}.safetensors")


@pytest.fixture(scope="module")
def pairs(shipped: Checkpoint, digits: Digits) -> list[tuple[int, int]]:
    """(shown, read) for every test image, in float64."""
    network = shipped.network.astype(np.float64)
    logits = network.logits(digits.images / 255).tolist()
    return [(shown, some.index(max(some))) for shown, some in zip(digits.labels.tolist(), logits, strict=True)]


def test_exactly_these_are_shipped() -> None:
    assert sorted(PARAMETERS) == FOUND


def test_the_default_reads_98_percent(digits: Digits) -> None:
    network = load(checkpoint.DIRECTORY / "paired-3x3.safetensors").network
    read = network.astype(np.float64).logits(digits.images / 255).argmax(-1)
    assert int((read == digits.labels).sum()) >= 9_800


def test_the_card_counts_as_we_do(shipped: Checkpoint, pairs: list[tuple[int, int]]) -> None:
    accuracy, shown = shipped.card["accuracy"], [truth for truth, _ in pairs]
    assert accuracy["test_images"] == len(pairs) == 10_000
    assert accuracy["test"] == sum(truth == read for truth, read in pairs) / 10_000
    confusion = [[0] * 10 for _ in range(10)]
    for truth, read in pairs:
        confusion[truth][read] += 1
    assert accuracy["confusion"] == confusion
    assert accuracy["per_class"] == [confusion[digit][digit] / shown.count(digit) for digit in range(10)]


def test_reads_the_same_in_float32(shipped: Checkpoint, pairs: list[tuple[int, int]], digits: Digits) -> None:
    read = shipped.network.logits(digits.scaled(np.float32)).argmax(-1).tolist()
    assert read == [digit for _, digit in pairs]


def test_has_the_parameters_it_says(shipped: Checkpoint) -> None:
    count = sum(array.size for array in shipped.network.weights.values())
    assert shipped.card["parameters"] == shipped.network.architecture.parameters == count == PARAMETERS[shipped.name]


def test_was_chosen_by_validation(shipped: Checkpoint) -> None:
    selection, accuracy = shipped.card["selection"], shipped.card["accuracy"]
    best = max(selection["runs"], key=lambda run: run["chosen_by"])  # the first of equal ones
    assert selection["seed"] == best["seed"]
    assert (accuracy["validation"], accuracy["test"]) == (best["validation"], best["test"])
    assert shipped.card["dataset"]["files"] == SHA256


def test_reads_as_the_slow_network(shipped: Checkpoint, digits: Digits) -> None:
    network = shipped.network.astype(np.float64)
    for image in digits.scaled(np.float64)[:5]:
        np.testing.assert_allclose(network.logits(image), slow_trace(network, image).logits, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_the_ledger_adds_up_on_1000_digits(shipped: Checkpoint, dtype: type, bound: float, digits: Digits) -> None:
    """For every class, not only the one that is read; against the forward pass, not the ledger's own copy of it."""
    network = shipped.network.astype(dtype)
    for start in range(0, 1_000, 250):
        images = digits.scaled(dtype)[start : start + 250]
        ledger = contributions(network, images)
        explained = ledger.contributions.sum((-2, -1)) + ledger.filter_bias.sum(-1) + network.weights["affine.bias"]
        assert np.abs(network.logits(images) - explained).max() < bound
        assert np.abs(ledger.residual).max() < bound
