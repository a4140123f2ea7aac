from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.refuse import refuses  # noqa: E402
from trainer import teacher  # noqa: E402
from trainer.data import Digits  # noqa: E402
from trainer.errors import RunError  # noqa: E402
from trainer.teacher import Teacher, moved  # noqa: E402


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "EPOCHS", 3)


def finished(one: Teacher) -> dict[str, Any]:
    shares = list(one.train())
    assert shares[-1] == 1
    assert shares == sorted(shares)
    return {name: values.tolist() for name, values in one.network.state_dict().items()}


def test_interrupted_and_resumed_it_ends_with_the_same_bits(digits: Digits, tmp_path: Path) -> None:
    whole = finished(Teacher(digits[:400], tmp_path / "whole.pt"))
    for _ in range(3):
        for batch, _ in enumerate(Teacher(digits[:400], tmp_path / "state.pt").train()):
            if batch == 4:  # three batches an epoch
                break
    resumed = Teacher(digits[:400], tmp_path / "state.pt")
    assert resumed.epoch == 3
    assert list(resumed.train()) == []
    assert {name: values.tolist() for name, values in resumed.network.state_dict().items()} == whole


def test_learns(digits: Digits, tmp_path: Path) -> None:
    one = Teacher(digits[:2_000], tmp_path / "state.pt")
    finished(one)
    fresh = digits[5_000:6_000]
    images = torch.from_numpy(fresh.scaled(np.float32))[:, None]
    answers = one.logits(images)
    assert answers.shape == (1_000, 10)
    assert (answers.argmax(1).numpy() == fresh.labels).mean() > 0.9
    assert torch.equal(answers, one.logits(images)), "dropout is for training"


def test_refuses_the_state_of_other_pictures(digits: Digits, tmp_path: Path) -> None:
    state = tmp_path / "teacher.pt"
    finished(Teacher(digits[:200], state))
    with refuses(RunError, f"{state} is a teacher of other pictures; delete it to train one for these"):
        Teacher(digits[:201], state)


def test_refuses_a_state_that_cannot_be_read(digits: Digits, tmp_path: Path) -> None:
    state = tmp_path / "teacher.pt"
    state.write_bytes(b"not a state")
    with pytest.raises(RunError) as caught:
        Teacher(digits[:200], state)
    assert str(caught.value).startswith(f"{state} cannot be read (")
    assert str(caught.value).endswith("); delete it to train the teacher again")


def test_moves_every_picture_a_little_and_differently() -> None:
    torch.manual_seed(1)
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 13:15, 13:15] = 1
    after = moved(dot)
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    mass = after.sum((1, 2, 3))
    centres = torch.stack([(after[:, 0] * axis).sum((1, 2)) / mass for axis in (rows, columns)], 1) - 13.5
    # At most 2 pixels of shift, stretched by a tenth at most.
    assert 1.5 < centres.abs().max() < 2.6
    assert len({tuple(centre) for centre in centres.numpy().round(3).tolist()}) > 190
    np.testing.assert_allclose(centres.mean(0).numpy(), 0, atol=0.3)


def test_a_smaller_strength_moves_less() -> None:
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 13:15, 13:15] = 1
    reach = []
    for strength in (0.0, 0.4, 1.0):
        torch.manual_seed(1)
        changed = (moved(dot, strength) - dot).abs().sum((1, 2, 3))
        reach.append(float(changed.mean()))
    assert reach[0] == pytest.approx(0, abs=1e-4)
    assert 0.3 < reach[1] < 0.7 * reach[2]


def test_moves_nothing_where_nothing_may_move(monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    for name in ("TURN", "STRETCH", "SLANT", "SHIFT"):
        monkeypatch.setattr(teacher, name, 0.0)
    images = torch.from_numpy(digits[:20].scaled(np.float32))[:, None]
    np.testing.assert_allclose(moved(images).numpy(), images.numpy(), atol=1e-5)
