from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.helpers.refuse import refuses  # noqa: E402
from trainer import teacher  # noqa: E402
from trainer.data import Digits  # noqa: E402
from trainer.errors import RunError  # noqa: E402
from trainer.teacher import Teacher  # noqa: E402


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
    logits = one.logits(images)
    assert logits.shape == (1_000, 10)
    assert (logits.argmax(1).numpy() == fresh.labels).mean() > 0.9
    assert torch.equal(logits, one.logits(images)), "dropout is for training"


def test_refuses_the_state_of_other_images(digits: Digits, tmp_path: Path) -> None:
    state = tmp_path / "teacher.pt"
    finished(Teacher(digits[:200], state))
    with refuses(RunError, f"{state} is a teacher of other images; delete it to train one for these"):
        Teacher(digits[:201], state)


def test_refuses_a_state_that_cannot_be_read(digits: Digits, tmp_path: Path) -> None:
    state = tmp_path / "teacher.pt"
    state.write_bytes(b"not a state")
    with pytest.raises(RunError) as caught:
        Teacher(digits[:200], state)
    assert str(caught.value).startswith(f"{state} cannot be read (")
    assert str(caught.value).endswith("); delete it to train the teacher again")
