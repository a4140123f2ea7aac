from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from konkyo.trainer import teacher  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.errors import RunError  # noqa: E402
from konkyo.trainer.teacher import Teacher  # noqa: E402


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "EPOCHS", 3)


def finished(one: Teacher) -> dict[str, Any]:
    shares = list(one.train())
    assert shares[-1] == 1
    assert shares == sorted(shares)
    return {name: values.tolist() for name, values in one.network.state_dict().items()}


def test_interrupted_and_resumed_it_ends_with_the_same_bits(digits: Digits, tmp_path: Path) -> None:
    whole = finished(Teacher(digits[:400], tmp_path / "whole"))
    for _ in range(3):
        for batch, _ in enumerate(Teacher(digits[:400], tmp_path).train()):
            if batch == 4:  # three batches an epoch
                break
    resumed = Teacher(digits[:400], tmp_path)
    assert resumed.epoch == 3
    assert list(resumed.train()) == []
    assert {name: values.tolist() for name, values in resumed.network.state_dict().items()} == whole


def test_learns(digits: Digits, tmp_path: Path) -> None:
    one = Teacher(digits[:2_000], tmp_path)
    finished(one)
    fresh = digits[5_000:6_000]
    images = torch.from_numpy(fresh.scaled(np.float32))[:, None]
    logits = one.logits(images)
    assert logits.shape == (1_000, 10)
    assert (logits.argmax(1).numpy() == fresh.labels).mean() > 0.9
    assert torch.equal(logits, one.logits(images)), "dropout is for training"


def test_other_images_and_mirrored_copies_have_a_teacher_of_their_own(digits: Digits, tmp_path: Path) -> None:
    mirrored = replace(digits[:200], about=replace(digits.about, mirror=True))
    some = [Teacher(images, tmp_path) for images in (digits[:200], digits[:201], mirrored)]
    assert len({one.state_file for one in some}) == 3
    finished(some[0])
    assert [Teacher(images, tmp_path).epoch for images in (digits[:200], digits[:201], mirrored)] == [3, 0, 0]


def test_refuses_a_state_that_cannot_be_read(digits: Digits, tmp_path: Path) -> None:
    state = Teacher(digits[:200], tmp_path).state_file
    state.write_bytes(b"not a state")
    with pytest.raises(RunError) as caught:
        Teacher(digits[:200], tmp_path)
    assert str(caught.value).startswith(f"{state} cannot be read (")
    assert str(caught.value).endswith("); delete it to train the teacher again")
