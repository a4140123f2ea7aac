"""Augmentation: images are turned, stretched, slanted and shifted a little, at random. They show the same class."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from konkyo.models.files.card import AugmentationCard
from konkyo.trainer.data import Digits

# What is done to an image at most. It is little: a small network has no room for digits that nobody writes.
TURN = 0.08  # radians
STRETCH = 0.04  # share of the size
SLANT = 0.06  # sideways for each pixel downwards
SHIFT = 0.8  # pixels
# Changed copies of each held-out image, with which it validates.
COPIES = 8


def augment(images: Tensor, seed: int, mirror: bool = False) -> Tensor:
    """The images (N, 1, 28, 28), each turned, stretched, slanted and shifted a little, at random.

    Parameters
    ----------
    seed
        Decides by how much.
    mirror
        Whether half of the images are mirrored, from right to left.
    """
    count, generator = len(images), torch.Generator().manual_seed(seed)

    def at_random(most: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * most

    turn, stretch, slant = at_random(TURN), 1 + at_random(STRETCH), at_random(SLANT)
    # affine_grid measures in half images.
    across, down = at_random(SHIFT / 14), at_random(SHIFT / 14)
    side = (torch.rand(count, generator=generator) < 0.5) * 2 - 1 if mirror else 1
    rows = [
        torch.stack([side * turn.cos() * stretch, slant - turn.sin() * stretch, across], 1),
        torch.stack([side * turn.sin() * stretch, turn.cos() * stretch, down], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def document(mirror: bool) -> AugmentationCard:
    """What a card says of it."""
    return AugmentationCard(turn=TURN, stretch=STRETCH, slant=SLANT, shift=SHIFT, mirror=mirror)


def with_copies(digits: Digits) -> tuple[Tensor, Tensor]:
    """Images (M, 1, 28, 28) in [0, 1] with labels (M,): the digits, and changed copies of them, always the same."""
    images, labels = tensors(digits)
    copies = [augment(images, copy, digits.about.mirror) for copy in range(COPIES)]
    return torch.cat([images, *copies]), labels.repeat(1 + COPIES)


def tensors(digits: Digits) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 28, 28) in [0, 1] and labels (N,)."""
    return torch.from_numpy(digits.scaled(np.float32))[:, None], torch.from_numpy(digits.labels.astype(np.int64))
