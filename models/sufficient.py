"""The sufficient region: the ink that alone still makes the network read the same digit (DESIGN 4, cumulative)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.checks import check_fill, check_single
from models.errors import ParameterError
from models.incremental import occluder
from models.network import Array, Network, softmax
from models.regions import Regions

# Every step tries every region that is left, so the work grows with the square of their number.
MAX_REGIONS = 256


@dataclass(frozen=True)
class Sufficient:
    """What is left when region after region has been hidden for as long as the reading stays the same.

    Attributes
    ----------
    regions
        What could be hidden.
    digit
        What is read in the whole picture, and in the kept part alone.
    hidden
        (R, R): which regions are hidden.
    kept
        (28, 28): the pixels that no hidden region covers.
    probability
        Of the digit in the kept part, from a forward pass of it.
    """

    regions: Regions
    digit: int
    hidden: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    probability: float

    @property
    def count(self) -> int:
        """Regions that are left."""
        return int((~self.hidden).sum())


def sufficient_region(network: Network, image: Array, regions: Regions = Regions(), fill: float = 0.0) -> Sufficient:
    """Hide regions one after another, least harmful first, for as long as the same digit is read.

    The rule: a region that already has the fill value is hidden at once. Then, in each step, every region that is left
    is tried on what is left of the picture, and the one after which the digit leads the runner-up by most is hidden;
    of equal ones, the first row by row. It ends when hiding any one more region would change the reading: what is left
    is minimal in that sense, though a smaller sufficient region of another shape may exist.

    Parameters
    ----------
    network
        Its precision decides close cases.
    image
        (28, 28) in [0, 1].
    regions, fill
        What to hide, and with which grey, 0…1.

    Raises
    ------
    ImageError
        Not one 28×28 picture, or not finite.
    ParameterError
        A fill out of range, or more than ``MAX_REGIONS`` regions.
    """
    rows, columns = regions.grid
    if rows * columns > MAX_REGIONS:
        raise ParameterError(
            "region", f"{rows * columns} regions are too many to hide one after another; at most {MAX_REGIONS} are"
        )
    check_single(image)
    check_fill(fill)
    hiding = occluder(network, regions)
    masks = regions.masks.reshape(-1, *np.shape(image))
    left = np.array(image, network.dtype)
    digit = int(network.logits(left).argmax())
    while True:
        _, logits, changed = hiding.logits(left[None], fill)
        lead = np.where(changed[0], _lead(logits[0], digit), -np.inf)
        best = int(lead.argmax())
        if not lead[best] > 0:
            break
        left[masks[best]] = fill
    hidden = ~changed[0]
    kept = ~masks[hidden].any(0)
    alone = softmax(network.logits(np.where(kept, image, network.dtype.type(fill))))
    return Sufficient(regions, digit, hidden.reshape(regions.grid), kept, float(alone[digit]))


def _lead(logits: Array, digit: int) -> Array:
    """By how much the digit leads the runner-up: (..., 10) → (...)."""
    others = logits.copy()
    others[..., digit] = -np.inf
    lead: Array = logits[..., digit] - others.max(-1)
    return lead
