"""What is hidden: a grid of regions, and the grey value that replaces their pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models.checks import check_fill
from konkyo.models.network import Array
from konkyo.models.regions import Regions


@dataclass(frozen=True)
class Hiding:
    """A grid of regions and the fill value.

    Parameters
    ----------
    regions
        The grid.
    fill
        The grey value of hidden pixels, 0…1. The paper's is 0, the background.

    Raises
    ------
    ParameterError
        A fill out of range.
    """

    regions: Regions = Regions()
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_fill(self.fill)

    def changed(self, image: Array) -> NDArray[np.bool_]:
        """(R²,), row by row: whether hiding the region changes any pixel of the image, (…, side, side)."""
        side = self.regions.side
        changed: NDArray[np.bool_] = self.regions.changed((image != self.fill).reshape(-1, side, side).any(0)[None])[0]
        return changed

    @property
    def masks(self) -> NDArray[np.bool_]:
        """(R², side, side): the pixels of each region, row by row."""
        return self.regions.masks.reshape(-1, *self.regions.masks.shape[-2:])
