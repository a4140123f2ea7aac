"""Augmentation: images are turned, stretched, slanted and shifted a little, at random. They show the same class."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from konkyo.models.card import AugmentationDocument
from konkyo.trainer.data import Digits

# What is done to an image at most; the teacher learns from images with all of it.
TURN = 0.2  # radians
STRETCH = 0.1  # share of the size
SLANT = 0.15  # sideways for each pixel downwards
SHIFT = 2  # pixels
# Share of it for the small networks: they have no room for digits that nobody writes.
STRENGTH = 0.4


def augment(images: Tensor, strength: float = 1.0, mirror: bool = False) -> Tensor:
    """The images (N, 1, 28, 28), each turned, stretched, slanted and shifted a little, at random.

    Parameters
    ----------
    strength
        Share of the greatest turn, stretch, slant and shift that is allowed.
    mirror
        Whether half of the images are mirrored, from right to left.
    """
    count = len(images)

    def at_random(most: float) -> Tensor:
        return (torch.rand(count) * 2 - 1) * most * strength

    turn, stretch, slant = at_random(TURN), 1 + at_random(STRETCH), at_random(SLANT)
    # affine_grid measures in half images.
    across, down = at_random(SHIFT / 14), at_random(SHIFT / 14)
    # Drawn only where they are wanted: what is random for MNIST stays as it was.
    side = (torch.rand(count) < 0.5) * 2 - 1 if mirror else 1
    rows = [
        torch.stack([side * turn.cos() * stretch, slant - turn.sin() * stretch, across], 1),
        torch.stack([side * turn.sin() * stretch, turn.cos() * stretch, down], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def document(copies: int, mirror: bool = False) -> AugmentationDocument | None:
    """What a card says of the augmented copies that a small network was trained on; None without any."""
    if not copies:
        return None
    turn, stretch, slant, shift = (round(STRENGTH * most, 6) for most in (TURN, STRETCH, SLANT, SHIFT))
    return {"copies": copies, "turn": turn, "stretch": stretch, "slant": slant, "shift": shift, "mirror": mirror}


def augmented(digits: Digits, copies: int) -> tuple[Tensor, Tensor]:
    """Images (M, 1, 28, 28) in [0, 1] with labels (M,): the digits, and augmented copies of them, always the same."""
    images, labels = tensors(digits)
    torch.manual_seed(0)
    more = [augment(images, STRENGTH, digits.about.mirror) for _ in range(copies)]
    return torch.cat([images, *more]), labels.repeat(1 + copies)


def tensors(digits: Digits) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 28, 28) in [0, 1] and labels (N,)."""
    return torch.from_numpy(digits.scaled(np.float32))[:, None], torch.from_numpy(digits.labels.astype(np.int64))
