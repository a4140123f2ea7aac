from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trainer import lesson, teacher  # noqa: E402
from trainer.data import Digits  # noqa: E402
from trainer.lesson import Lesson, prepare, with_copies  # noqa: E402
from trainer.teacher import Teacher  # noqa: E402


@pytest.fixture
def taught(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Teacher:
    monkeypatch.setattr(teacher, "EPOCHS", 1)
    monkeypatch.setattr(lesson, "CHUNK", 70)
    one = Teacher(digits[:150], tmp_path / "teacher.pt")
    list(one.train())
    return one


def prepared(taught: Teacher, digits: Digits, copies: int, directory: Path) -> tuple[Lesson, list[float]]:
    shares: list[float] = []
    return prepare(taught, digits, copies, directory, shares.append), shares


def test_holds_the_pictures_and_moved_copies_with_the_teachers_answers(
    taught: Teacher, digits: Digits, tmp_path: Path
) -> None:
    given, shares = prepared(taught, digits[:150], 2, tmp_path / "lessons")
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
    for which in (0, 149, 151, 449):
        alone = taught.logits(given.images[which : which + 1] / 255)[0]
        np.testing.assert_allclose(given.answers[which].numpy(), alone.detach().numpy(), atol=1e-4)


def test_copies_are_made_once_and_the_same(
    taught: Teacher, digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = prepared(taught, digits[:150], 1, tmp_path / "lessons")
    torch.rand(3)
    other, _ = prepared(taught, digits[:150], 1, tmp_path / "elsewhere")
    assert torch.equal(one.images, other.images)
    assert one.sha256 == other.sha256

    def moved(*_: object) -> None:
        pytest.fail("it was made before")

    monkeypatch.setattr(lesson, "moved", moved)
    again, _ = prepared(taught, digits[:150], 1, tmp_path / "lessons")
    assert again.sha256 == one.sha256
    assert torch.equal(again.images, one.images)


def test_another_teacher_gives_another_lesson(taught: Teacher, digits: Digits, tmp_path: Path) -> None:
    one, _ = prepared(taught, digits[:150], 0, tmp_path / "lessons")
    with torch.no_grad():
        next(taught.network.parameters()).mul_(1.01)
    other, _ = prepared(taught, digits[:150], 0, tmp_path / "lessons")
    assert one.sha256 != other.sha256
    assert torch.equal(one.images, other.images)


def test_what_validates_has_moved_copies_too(digits: Digits) -> None:
    images, labels = with_copies(digits[:50], 2)
    assert labels.tolist() == digits.labels[:50].tolist() * 3
    own, *copies = images.numpy()[:, 0].reshape(3, 50, 28, 28)
    np.testing.assert_array_equal(own, digits[:50].scaled(np.float32))
    for copy in copies:
        assert ((copy != own).any((1, 2))).mean() > 0.95
        assert copy.sum() == pytest.approx(own.sum(), rel=0.1)
    assert torch.equal(images, with_copies(digits[:50], 2)[0]), "always the same"
    assert torch.equal(with_copies(digits[:50], 0)[0], images[:50])
