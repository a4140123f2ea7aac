"""The teacher: a larger network, which a small one learns from (Hinton, Vinyals and Dean, 2015). It is never served."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.models.card import TeacherDocument
from konkyo.trainer.about import MNIST
from konkyo.trainer.augmentation import augment
from konkyo.trainer.data import Digits
from konkyo.trainer.ensemble import LAYOUT
from konkyo.trainer.state import restoring, save

EPOCHS = 14
# A data set smaller than MNIST is seen more often, until there are about as many steps, but not for ever.
STEPS, MOST_EPOCHS = 5_460, 120
BATCH = 128
LEARNING_RATE = 4e-3
SEED = 1


class TeacherNetwork(nn.Sequential):
    """Three convolutions of 24, 48 and 48 filters and two affine layers, with batch normalisation and dropout."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            nn.Conv2d(1, 24, 5),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.Conv2d(48, 48, 3),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.4),
            nn.Linear(48 * 4 * 4, 128),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(128, classes),
        )


class Teacher:
    """Trains the teacher, with its state in a file; an interrupted training goes on from the last epoch.

    Parameters
    ----------
    digits
        What it learns from: the training images that the small networks learn from, and none that validate.
    runs
        The folder of its state, which is written after each epoch. Other images have another teacher, in a file of its
        own.

    Attributes
    ----------
    state_file
        Where its state is.
    images_sha256
        Of what it learns from.

    Raises
    ------
    RunError
        The state file cannot be read.
    """

    def __init__(self, digits: Digits, runs: Path) -> None:
        self.epoch = 0
        self.images_sha256 = digits.sha256
        self._mirror = digits.about.mirror
        self.state_file = runs / f"teacher-{digits.sha256[:12]}{'-mirrored' if self._mirror else ''}.pt"
        self._images = torch.from_numpy(digits.scaled(np.float32))[:, None]
        self._labels = torch.from_numpy(digits.labels.astype(np.int64))
        torch.set_num_threads(1)
        torch.manual_seed(SEED)
        self.network: nn.Module = TeacherNetwork(len(digits.about.classes)).to(memory_format=LAYOUT)  # type: ignore[call-overload]
        self._optimizer = torch.optim.AdamW(self.network.parameters(), lr=LEARNING_RATE / 25, weight_decay=0.01)
        self._batches = max(len(digits) // BATCH, 1)
        more = 0 if digits.about.name == MNIST.name else min(STEPS // self._batches, MOST_EPOCHS)
        self.epochs = max(EPOCHS, more)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, LEARNING_RATE, total_steps=self.epochs * self._batches
        )
        if self.state_file.exists():
            self._restore()

    def train(self) -> Iterator[float]:
        """Run to the end; gives the share that is done after each batch."""
        self.network.train()
        for epoch in range(self.epoch, self.epochs):
            # An epoch is a function of its number: a training that was interrupted ends with the same bits.
            torch.manual_seed(SEED + 1 + epoch)
            order = torch.randperm(len(self._labels))
            for batch in range(self._batches):
                which = order[batch * BATCH : (batch + 1) * BATCH]
                loss = F.cross_entropy(
                    self.network(augment(self._images[which], mirror=self._mirror)), self._labels[which]
                )
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()
                self._schedule.step()
                yield (epoch + (batch + 1) / self._batches) / self.epochs
            self.epoch = epoch + 1
            self._save()

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Its logits for images (N, 1, 28, 28) in [0, 1]: (N, C)."""
        self.network.eval()
        logits: Tensor = self.network(images)
        return logits

    @property
    def document(self) -> TeacherDocument:
        """What the cards of its pupils say of it."""
        parameters = sum(weights.numel() for weights in self.network.parameters())
        return {"parameters": parameters, "epochs": self.epochs, "sha256": self.sha256}

    @property
    def sha256(self) -> str:
        """Of its weights."""
        digest = hashlib.sha256()
        for weights in self.network.state_dict().values():
            digest.update(weights.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _save(self) -> None:
        state = {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }
        save(self.state_file, state)

    def _restore(self) -> None:
        with restoring(self.state_file, "train the teacher again") as state:
            self.epoch = state["epoch"]
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
