"""Which regions each pooling cell sees, and which sides of regions are exact (docs/mathematics.md, 4)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE, POOL, Architecture
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array
from konkyo.models.regions import MAX_REGION, Regions

# Maximum number of regions that a cell of pool2 may see along an axis. Nine in all have a table of 2⁹ subsets.
MOST = 3
# A cell of pool2 has a stride of four pixels.
USUAL = 4


@dataclass(frozen=True)
class Windows:
    """Which parts of the regions the pooling cells see. This depends on no weight and no image.

    The regions are coloured: a region's colour is its row and its column on the grid, each modulo a period. The period
    is chosen so that a cell of pool1 sees every colour at most once. One image for each set of visible colours then
    contains every value that a cell of pool1 can have under any hiding.

    Attributes
    ----------
    regions
        The grid; the regions do not overlap.
    sight
        (5, R, 28), 0 or 1: whether a row of pool2's cells sees a pixel row of a row of regions. The same for columns.
    visible
        (K, 28, 28): the visible pixels for each of the K sets of colours.
    hidden_indices
        (25, P): flat indices of the cells of pool1 that each cell of pool2 sees, with everything hidden. They refer to
        the pool1 maps of the K images, concatenated. P is 16 with 3×3 kernels in conv2.
    steps
        (25, R², P): what is added to each index when a region becomes visible. Floats, for fast matrix products.
    """

    regions: Regions
    sight: Array
    visible: NDArray[np.bool_]
    hidden_indices: Array
    steps: Array

    def seen(self, pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether a cell of pool2 sees any of these pixels in a region: (28, 28) → (25, R²)."""
        cells, rows, side = self.sight.shape
        sight = self.sight.reshape(cells * rows, side)
        counts = (sight @ pixels @ sight.T).reshape(cells, rows, cells, rows)
        return counts.swapaxes(1, 2).reshape(cells**2, rows**2) > 0


def exact_sides(architecture: Architecture) -> tuple[int, ...]:
    """The sides in pixels with which no cell of pool2 sees more than nine regions: 4 and 6…14 for kernels 5 and 3."""
    return tuple(side for side in range(1, MAX_REGION + 1) if _widest(_pool2_sight(architecture, side)) <= MOST)


def usual_side(architecture: Architecture) -> int:
    """The side that is taken where none is named: 4 where that is exact, as for kernels 5 and 3, else the smallest."""
    exact = exact_sides(architecture)
    return USUAL if USUAL in exact else exact[0]


@lru_cache(maxsize=32)
def windows(architecture: Architecture, region: int) -> Windows:
    """The windows of a grid of regions.

    Parameters
    ----------
    architecture
        Its kernel sides determine what a cell sees.
    region
        Side of the regions, in pixels.

    Raises
    ------
    ParameterError
        The side is out of range, or a cell of pool2 sees more than nine regions.
    """
    regions = Regions(region)
    exact = exact_sides(architecture)
    if region not in exact:
        raise ParameterError(
            "region",
            f"no cell of the last pool may see more than {MOST**2} regions; with this network's kernels that holds "
            f"for a side of {', '.join(map(str, exact))} pixels, not {region}",
        )
    rows, cells, side1 = len(regions.starts), architecture.pool2_side, architecture.pool1_side
    sight1 = _sight(regions, POOL, architecture.conv1_kernel + POOL - 1, side1)
    period = _widest(sight1)
    row, column = np.divmod(np.arange(rows**2), rows)
    colour = row % period * period + column % period

    width = architecture.conv2_kernel + POOL - 1
    near = POOL * np.arange(cells)[:, None] + np.arange(width)
    indices = near[:, None, :, None] * side1 + near[None, :, None, :]
    sees = np.take(np.asarray(sight1.any(-1)), near, axis=0)
    meets = sees[:, None, :, None, row] & sees[None, :, None, :, column]
    steps = np.moveaxis(meets * (2**colour * side1**2), -1, 2)

    sets = np.arange(2**period**2)[:, None, None]
    pixel = np.arange(IMAGE_SIDE) // region
    return Windows(
        regions,
        _pool2_sight(architecture, region).astype(np.float64),
        (sets >> colour.reshape(rows, rows)[pixel[:, None], pixel]) & 1 == 1,
        indices.reshape(cells**2, width**2).astype(np.float64),
        steps.reshape(cells**2, rows**2, width**2).astype(np.float64),
    )


def _pool2_sight(architecture: Architecture, region: int) -> NDArray[np.bool_]:
    """(5, R, 28): as ``Windows.sight``."""
    width = architecture.conv1_kernel + POOL - 1 + POOL * (architecture.conv2_kernel + POOL - 2)
    return _sight(Regions(region), POOL**2, width, architecture.pool2_side)


def _sight(regions: Regions, stride: int, width: int, cells: int) -> NDArray[np.bool_]:
    """(cells, R, 28): the pixel rows that cells of this stride and width see, by row of regions."""
    offset = np.arange(IMAGE_SIDE) - stride * np.arange(cells)[:, None]
    inside = (offset >= 0) & (offset < width)
    return inside[:, None] & regions.covers


def _widest(sight: NDArray[np.bool_]) -> int:
    """The maximum number of regions that a cell sees along an axis."""
    return int(sight.any(-1).sum(-1).max())
