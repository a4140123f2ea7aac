"""Augmentation: images are turned, stretched, slanted and shifted a little, at random. They show the same class."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from konkyo.models.files.card import AugmentationCard
from konkyo.trainer.data import Labelled

# What is done to an image at most. It is little: a small network has no room for digits that nobody writes.
TURN = 0.08  # radians
STRETCH = 0.04  # share of the size
SLANT = 0.06  # sideways for each pixel downwards
SHIFT = 0.8 / 28  # of the side
# Changed copies of each held-out image, with which it validates.
COPIES = 8


def augment(images: Tensor, seed: int, mirror: bool = False) -> Tensor:
    """The images (N, channels, side, side), each turned, stretched, slanted and shifted a little, at random.

    What comes in from outside is empty: 0 in a grey image; in colour, where nothing is empty, the pixel at the edge.

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
    across, down = at_random(2 * SHIFT), at_random(2 * SHIFT)
    side = (torch.rand(count, generator=generator) < 0.5) * 2 - 1 if mirror else 1
    rows = [
        torch.stack([side * turn.cos() * stretch, slant - turn.sin() * stretch, across], 1),
        torch.stack([side * turn.sin() * stretch, turn.cos() * stretch, down], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    outside = "zeros" if images.shape[1] == 1 else "border"
    return F.grid_sample(images, grid, padding_mode=outside, align_corners=False)


def card(side: int, mirror: bool) -> AugmentationCard:
    """What a card says of it, with the shift in pixels."""
    return AugmentationCard(turn=TURN, stretch=STRETCH, slant=SLANT, shift=round(SHIFT * side, 6), mirror=mirror)


def with_copies(labelled: Labelled) -> tuple[Tensor, Tensor]:
    """Images (M, channels, side, side) in [0, 1] with labels (M,): the data set's, and changed copies of them, always
    the same.
    """
    images, labels = tensors(labelled)
    copies = [augment(images, copy, labelled.about.mirror) for copy in range(COPIES)]
    return torch.cat([images, *copies]), labels.repeat(1 + COPIES)


def tensors(labelled: Labelled) -> tuple[Tensor, Tensor]:
    """Images (N, channels, side, side) in [0, 1] and labels (N,)."""
    images = labelled.scaled(np.float32).reshape(len(labelled), labelled.channels, labelled.side, labelled.side)
    return torch.from_numpy(images), torch.from_numpy(labelled.labels.astype(np.int64))
