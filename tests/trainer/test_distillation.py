from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from konkyo.trainer import distillation, teacher  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.distillation import DistillationSet, prepare  # noqa: E402
from konkyo.trainer.teacher import Teacher  # noqa: E402


@pytest.fixture
def taught(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Teacher:
    monkeypatch.setattr(teacher, "EPOCHS", 1)
    monkeypatch.setattr(distillation, "CHUNK", 70)
    one = Teacher(digits[:150], tmp_path)
    list(one.train())
    return one


def prepared(taught: Teacher, digits: Digits, copies: int, directory: Path) -> tuple[DistillationSet, list[float]]:
    shares: list[float] = []
    return prepare(taught, digits, copies, directory, shares.append), shares


def test_holds_the_images_and_augmented_copies_with_the_teachers_logits(
    taught: Teacher, digits: Digits, tmp_path: Path
) -> None:
    given, shares = prepared(taught, digits[:150], 2, tmp_path / "distillation")
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    assert len(given) == 450
    assert given.labels.tolist() == digits.labels[:150].tolist() * 3
    own, *copies = given.images.numpy()[:, 0].reshape(3, 150, 28, 28)
    np.testing.assert_array_equal(own, digits.images[:150])
    for copy in copies:
        differs = (copy != own).any((1, 2))
        assert differs.mean() > 0.95
        # The same digits: as much ink, in nearly the same place.
        assert np.corrcoef(copy.ravel(), own.ravel())[0, 1] > 0.6
        ink = copy.sum((1, 2), dtype=float) / own.sum((1, 2), dtype=float)
        assert 0.8 < ink.min() < ink.max() < 1.25
    assert (copies[0] != copies[1]).any()
    parameters = sum(weights.numel() for weights in taught.network.parameters())
    assert given.teacher == {"parameters": parameters, "epochs": 1, "sha256": taught.sha256}
    for which in (0, 149, 151, 449):
        alone = taught.logits(given.images[which : which + 1] / 255)[0]
        np.testing.assert_allclose(given.logits[which].numpy(), alone.detach().numpy(), atol=1e-4)


def test_copies_are_made_once_and_the_same(
    taught: Teacher, digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = prepared(taught, digits[:150], 1, tmp_path / "distillation")
    torch.rand(3)
    other, _ = prepared(taught, digits[:150], 1, tmp_path / "elsewhere")
    assert torch.equal(one.images, other.images)
    assert one.sha256 == other.sha256

    def untouched(*_: object) -> None:
        pytest.fail("it was made before")

    monkeypatch.setattr(distillation, "augment", untouched)
    again, _ = prepared(taught, digits[:150], 1, tmp_path / "distillation")
    assert again.sha256 == one.sha256
    assert torch.equal(again.images, one.images)


def test_another_teacher_gives_another_set(taught: Teacher, digits: Digits, tmp_path: Path) -> None:
    one, _ = prepared(taught, digits[:150], 0, tmp_path / "distillation")
    with torch.no_grad():
        next(taught.network.parameters()).mul_(1.01)
    other, _ = prepared(taught, digits[:150], 0, tmp_path / "distillation")
    assert one.sha256 != other.sha256
    assert torch.equal(one.images, other.images)
