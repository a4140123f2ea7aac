"""Which regions each cell of the pools sees, and for which regions these are few enough (DESIGN 4.2)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.architecture import IMAGE_SIDE, POOL, Architecture
from models.errors import ParameterError
from models.network import Array
from models.regions import MAX_REGION, Regions

# A cell of pool2 sees at most so many regions along each axis: nine in all, whose subsets fit into a table of 2⁹.
MOST = 3


@dataclass(frozen=True)
class Windows:
    """What the cells see of the regions. Geometry alone: it depends on no weight and no image.

    A cell of pool1 sees so few regions that colours tell them apart: a region's colour is its row and its column on the
    grid, each modulo a period. So one image for each set of visible colours holds all that a cell of pool1 can hold.

    Attributes
    ----------
    regions
        The grid; the regions do not overlap.
    sight
        (5, R, 28), 0 or 1: the pixel rows that each row of pool2's cells sees of each row of regions; columns alike.
    visible
        (K, 28, 28): the pixels that are visible in the image of each set of visible colours.
    places
        (25, P): where the cells of pool1 that each cell of pool2 sees are found with everything hidden, in the pool1
        maps of the K images one after another. P is 16 where conv2's kernels are 3×3.
    steps
        (25, R², P): by how much each place moves when a region becomes visible. Floats, to be multiplied fast.
    """

    regions: Regions
    sight: Array
    visible: NDArray[np.bool_]
    places: Array
    steps: Array

    def seen(self, pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each cell of pool2 sees one of these pixels in each region: (28, 28) → (25, R²)."""
        cells, rows, side = self.sight.shape
        sight = self.sight.reshape(cells * rows, side)
        counts = (sight @ pixels @ sight.T).reshape(cells, rows, cells, rows)
        return counts.swapaxes(1, 2).reshape(cells**2, rows**2) > 0


def exact_sides(architecture: Architecture) -> tuple[int, ...]:
    """Sides in pixels of the regions of which no cell of pool2 sees more than nine: 4 and 6…14 for 5×5 and 3×3."""
    return tuple(side for side in range(1, MAX_REGION + 1) if _widest(_pool2_sight(architecture, side)) <= MOST)


@lru_cache(maxsize=32)
def windows(architecture: Architecture, region: int) -> Windows:
    """What the cells see of a grid of regions.

    Parameters
    ----------
    architecture
        Its kernels say what a cell sees.
    region
        Side of the regions, in pixels.

    Raises
    ------
    ParameterError
        A side that is out of range, or with which a cell of pool2 sees more than nine regions.
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

    reach = architecture.conv2_kernel + POOL - 1
    near = POOL * np.arange(cells)[:, None] + np.arange(reach)
    places = near[:, None, :, None] * side1 + near[None, :, None, :]
    sees = np.take(np.asarray(sight1.any(-1)), near, axis=0)
    meets = sees[:, None, :, None, row] & sees[None, :, None, :, column]
    steps = np.moveaxis(meets * (2**colour * side1**2), -1, 2)

    sets = np.arange(2**period**2)[:, None, None]
    pixel = np.arange(IMAGE_SIDE) // region
    return Windows(
        regions,
        _pool2_sight(architecture, region).astype(np.float64),
        (sets >> colour.reshape(rows, rows)[pixel[:, None], pixel]) & 1 == 1,
        places.reshape(cells**2, reach**2).astype(np.float64),
        steps.reshape(cells**2, rows**2, reach**2).astype(np.float64),
    )


def _pool2_sight(architecture: Architecture, region: int) -> NDArray[np.bool_]:
    """(5, R, 28): as ``Windows.sight``."""
    width = architecture.conv1_kernel + POOL - 1 + POOL * (architecture.conv2_kernel + POOL - 2)
    return _sight(Regions(region), POOL**2, width, architecture.pool2_side)


def _sight(regions: Regions, stride: int, width: int, cells: int) -> NDArray[np.bool_]:
    """(cells, R, 28): which pixel rows of each row of regions a cell sees that is so wide."""
    offset = np.arange(IMAGE_SIDE) - stride * np.arange(cells)[:, None]
    inside = (offset >= 0) & (offset < width)
    return inside[:, None] & regions.covers


def _widest(sight: NDArray[np.bool_]) -> int:
    """The most regions that any cell sees along an axis."""
    return int(sight.any(-1).sum(-1).max())
