"""Distillation: a small network learns from a teacher, by its logits for images and augmented copies of them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from konkyo.models.card import TeacherDocument
from konkyo.trainer.augmentation import STRENGTH, augment
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.parts import Arrays, Parts
from konkyo.trainer.teacher import Teacher

CHUNK = 1_000


@dataclass(frozen=True)
class DistillationSet:
    """Images with a teacher's logits.

    Attributes
    ----------
    images
        (M, 1, 28, 28), 0…255.
    labels
        (M,), from 0.
    logits
        (M, C), the teacher's.
    teacher
        What cards say of it.
    """

    images: Tensor
    labels: Tensor
    logits: Tensor
    teacher: TeacherDocument

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """Of the logits, which depend on everything else."""
        return hashlib.sha256(self.logits.numpy().tobytes()).hexdigest()


def prepare(
    teacher: Teacher, digits: Digits, copies: int, directory: Path, report: Callable[[float], None]
) -> DistillationSet:
    """Ask the teacher.

    Parameters
    ----------
    teacher
        Fully trained.
    digits
        The images to train on.
    copies
        Augmented copies of each, besides itself.
    directory
        Where they are kept: they are made once.
    report
        Told the share that is done, after each copy.
    """
    # Named only where it is so: what was prepared of MNIST stays what it was.
    mirrored = {"mirror": True} if digits.about.mirror else {}
    identity = {"teacher": teacher.sha256, "images": teacher.images_sha256, "strength": STRENGTH, **mirrored}
    parts = Parts(directory, identity)
    images, logits = [], []
    for copy in range(1 + copies):
        part = parts.get(str(copy), lambda copy=copy: _copy(teacher, digits, copy))  # type: ignore[misc]
        images.append(torch.from_numpy(part["images"]))
        logits.append(torch.from_numpy(part["logits"]))
        report((copy + 1) / (copies + 1))
    labels = torch.tensor(digits.labels).long().repeat(1 + copies)
    return DistillationSet(torch.cat(images), labels, torch.cat(logits), teacher.document)


def _copy(teacher: Teacher, digits: Digits, number: int) -> Arrays:
    """Copy 0 is the images themselves."""
    torch.manual_seed(number)
    images, logits = [], []
    for start in range(0, len(digits), CHUNK):
        chunk = torch.tensor(digits.images[start : start + CHUNK])[:, None]
        some = (augment(chunk / 255, STRENGTH, digits.about.mirror) * 255).round().to(torch.uint8) if number else chunk
        images.append(some)
        logits.append(teacher.logits(some / 255))
    return {"images": torch.cat(images).numpy(), "logits": torch.cat(logits).numpy()}
