from pathlib import Path

import numpy as np
import pytest

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.contributions import contributions
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint, load
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.studies import filters
from konkyo.trainer.studies.filters import AXES, PER_CLASS, STUDY, FilterStudy
from tests.helpers.lamp import checkpoint_of
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses
from tests.helpers.studies import measured


def study(checkpoint: Checkpoint, digits: Digits, runs: Path, per_class: int = PER_CLASS) -> FilterStudy:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "PER_CLASS", per_class)
        return measured(STUDY, checkpoint, digits, runs)[0]


@pytest.mark.parametrize("name", ["paired-3x3", "summed-3x3"])
def test_equals_a_plain_loop(name: str, digits: Digits, tmp_path: Path) -> None:
    """Picture by picture with the whole ledger, each class's first eight that are read correctly."""
    checkpoint = load(DIRECTORY / f"{name}.safetensors")
    some = digits[:250]
    found = study(checkpoint, some, tmp_path, per_class=8)
    taken: dict[int, list[Array]] = {digit: [] for digit in range(10)}
    for image, label in zip(some.images, some.labels.tolist(), strict=True):
        ledger = contributions(checkpoint.network.astype(np.float64), image / 255)
        if ledger.logits.tolist().index(max(ledger.logits)) == label and len(taken[label]) < 8:
            taken[label].append(ledger.maps[label])
    for digit, maps in taken.items():
        one, totals = found.usage.classes[digit], [each.sum((-2, -1)) for each in maps]
        assert one.images == len(maps)
        np.testing.assert_allclose(found.maps[digit], np.mean(maps, axis=0), rtol=0, atol=1e-10)
        np.testing.assert_allclose(one.mean, np.mean(totals, axis=0), rtol=1e-5)
        assert one.firsts.sum() == len(maps)
        for pair, count in np.ndenumerate(one.firsts):
            assert count == sum(total[pair] == total.max() for total in totals)
    assert any(len(maps) == 8 for maps in taken.values())
    assert (found.usage.searched, found.usage.per_class) == (250, 8)


def test_it_looks_at_the_first_of_each_class(digits: Digits, tmp_path: Path) -> None:
    checkpoint, some = load(DIRECTORY / "summed-3x3.safetensors"), digits[:1500]
    read = checkpoint.precise.logits(some.images / 255).argmax(-1)
    found = study(checkpoint, some, tmp_path, per_class=140)
    right = [np.flatnonzero((some.labels == digit) & (read == digit)) for digit in range(10)]
    assert [one.images for one in found.usage.classes] == [min(len(which), 140) for which in right]
    most = max(range(10), key=lambda digit: len(right[digit]))
    assert len(right[most]) > 140
    # What comes after the last one that is taken changes nothing.
    shorter = study(checkpoint, some[: int(right[most][140])], tmp_path, per_class=140).usage.classes[most]
    assert shorter.mean.tolist() == found.usage.classes[most].mean.tolist()
    assert PER_CLASS == 1000


def test_refuses_a_class_without_two_correctly_read_images(digits: Digits, tmp_path: Path) -> None:
    checkpoint = load(DIRECTORY / "summed-3x3.safetensors")
    labels = digits.labels[:20].tolist()
    scarce = next(digit for digit in range(10) if labels.count(digit) < 2)
    count = labels.count(scarce)
    with refuses(
        RunError,
        f"summed-3x3 predicts {count} of the {count} images of class {scarce} correctly; the study needs 2 at least. "
        "Take more --images, or a more accurate network",
    ):
        study(checkpoint, digits[:20], tmp_path)


def test_refuses_a_network_that_never_reads_a_class(digits: Digits, tmp_path: Path) -> None:
    network = random_network(two_stages(Wiring.SUMMED, 1, 2), 1)
    with pytest.raises(RunError, match=r"^tiny predicts \d+ of the \d+ images of class \d correctly; "):
        study(checkpoint_of(network, "tiny"), digits[:500], tmp_path)


def test_one_in_a_hundred_other_images_is_unlike(digits: Digits, tmp_path: Path) -> None:
    checkpoint = load(DIRECTORY / "summed-3x3.safetensors")
    some = digits[:700]
    usage = study(checkpoint, some, tmp_path, per_class=25).usage
    assert usage.likeness is not None
    assert usage.likeness.axes.shape == (10, AXES, 75)
    pool2 = checkpoint.precise.trace(some.images / 255).layers[-1]
    predicted = checkpoint.precise.logits(some.images / 255).argmax(-1)
    which = [np.flatnonzero((some.labels == digit) & (predicted == digit))[:25] for digit in range(10)]
    found = pool2[which[3]].reshape(len(which[3]), -1)
    # An independent way to the same subspace: eigenvectors of the sums of squares.
    vectors = np.linalg.eigh(found.T @ found)[1][:, ::-1][:, :AXES]
    assert vectors @ vectors.T == pytest.approx(usage.likeness.axes[3].T @ usage.likeness.axes[3], abs=2e-3)
    others = np.setdiff1d(np.arange(700), np.concatenate(which))
    assert np.mean(usage.likeness.distance(pool2[others]) > usage.likeness.threshold) == pytest.approx(0.01, abs=0.005)
