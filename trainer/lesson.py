"""What a small network learns from a teacher: pictures, moved copies of them, and the teacher's answers to all."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data import Digits
from trainer.studies.parts import Arrays, Parts
from trainer.teacher import Teacher, moved

# Less than the teacher itself was moved: a network this small has no room for digits that nobody writes.
STRENGTH = 0.4
CHUNK = 1_000


@dataclass(frozen=True)
class Lesson:
    """Pictures with answers.

    Attributes
    ----------
    images
        (M, 1, 28, 28), 0…255.
    labels
        (M,), 0…9.
    answers
        (M, 10): the teacher's logits.
    """

    images: Tensor
    labels: Tensor
    answers: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """Of the answers, which depend on everything else."""
        return hashlib.sha256(self.answers.numpy().tobytes()).hexdigest()


def prepare(teacher: Teacher, digits: Digits, copies: int, directory: Path, report: Callable[[float], None]) -> Lesson:
    """Have the teacher answer.

    Parameters
    ----------
    teacher
        Fully trained.
    digits
        The pictures to train on.
    copies
        Moved copies of each, besides itself.
    directory
        Where copies are kept: they are made once.
    report
        Told the share that is done, after each copy.
    """
    parts = Parts(directory, {"teacher": teacher.sha256, "pictures": teacher.pictures, "strength": STRENGTH})
    images, answers = [], []
    for copy in range(1 + copies):
        part = parts.get(str(copy), lambda copy=copy: _copy(teacher, digits, copy))  # type: ignore[misc]
        images.append(torch.from_numpy(part["images"]))
        answers.append(torch.from_numpy(part["answers"]))
        report((copy + 1) / (copies + 1))
    labels = torch.tensor(digits.labels).long().repeat(1 + copies)
    return Lesson(torch.cat(images), labels, torch.cat(answers))


def _copy(teacher: Teacher, digits: Digits, number: int) -> Arrays:
    """Copy 0 is the pictures themselves."""
    torch.manual_seed(number)
    images, answers = [], []
    for start in range(0, len(digits), CHUNK):
        chunk = torch.tensor(digits.images[start : start + CHUNK])[:, None]
        some = (moved(chunk / 255, STRENGTH) * 255).round().to(torch.uint8) if number else chunk
        images.append(some)
        answers.append(teacher.logits(some / 255))
    return {"images": torch.cat(images).numpy(), "answers": torch.cat(answers).numpy()}


def with_copies(digits: Digits, copies: int) -> tuple[Tensor, Tensor]:
    """Pictures (M, 1, 28, 28) in [0, 1] with labels (M,): the digits, and moved copies of each, always the same."""
    images, labels = tensors(digits)
    torch.manual_seed(0)
    return torch.cat([images, *(moved(images, STRENGTH) for _ in range(copies))]), labels.repeat(1 + copies)


def tensors(digits: Digits) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, 28, 28) in [0, 1] and labels (N,)."""
    return torch.from_numpy(digits.scaled(np.float32))[:, None], torch.from_numpy(digits.labels.astype(np.int64))
