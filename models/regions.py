"""The regions of an image: a grid of squares that are hidden."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array

MAX_REGION = IMAGE_SIDE // 2


@dataclass(frozen=True)
class Regions:
    """An R×R grid of squares that covers the image.

    They start at 0, stride, 2·stride, … until the image is covered. A square that extends beyond the edge is clipped,
    so every pixel belongs to at least one region (Captum's rule).

    Parameters
    ----------
    region
        Side in pixels, 1…14. The paper's is 2, which gives 14×14 regions.
    stride
        Distance between the corners of neighbouring regions in pixels, 1…region. By default ``region``: no overlap.

    Raises
    ------
    ParameterError
        Out of range.
    """

    region: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.region <= MAX_REGION:
            raise ParameterError("region", f"must be from 1 to {MAX_REGION} pixels, not {self.region}")
        if self.stride is not None and not 1 <= self.stride <= self.region:
            raise ParameterError(
                "stride",
                f"must be from 1 to the region's {self.region}, so that no pixel is skipped, not {self.stride}",
            )

    @property
    def step(self) -> int:
        """The stride in pixels; ``region`` by default."""
        return self.stride or self.region

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.starts), len(self.starts)

    @cached_property
    def starts(self) -> range:
        """The first pixel row of each row of regions. The same for columns."""
        return range(0, IMAGE_SIDE - self.region + self.step, self.step)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of a region in pixels, right and bottom excluded, clipped to the image."""
        left, top = self.starts[column], self.starts[row]
        return left, top, min(left + self.region, IMAGE_SIDE), min(top + self.region, IMAGE_SIDE)

    @cached_property
    def covers(self) -> NDArray[np.bool_]:
        """(R, 28): the pixel rows of each row of regions. The same for columns."""
        offset = np.arange(IMAGE_SIDE) - np.array(self.starts)[:, None]
        inside: NDArray[np.bool_] = (offset >= 0) & (offset < self.region)
        return inside

    def spread(self, values: Array) -> Array:
        """For each pixel the mean of the values of the regions that cover it: (..., R, R) → (..., 28, 28)."""
        covers = self.covers.astype(values.dtype)
        counts = covers.sum(0)
        spread: Array = covers.T @ values @ covers / np.outer(counts, counts)
        return spread

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """(R, R, 28, 28): the pixels of each region."""
        return self.covers[:, None, :, None] & self.covers[None, :, None, :]
