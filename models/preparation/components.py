"""Connected components of a mask."""

import numpy as np
from numpy.typing import NDArray


def label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Number the connected components of a mask. Diagonal neighbours are connected.

    Runs of a row are connected with the runs of the next row that they touch; each run then takes the smallest number
    among its neighbours', and the number of that one, until nothing changes (He et al. 2017, "The connected-component
    labeling problem", section 3.3). The time grows with the number of runs, for masks of any shape.

    Returns
    -------
    labels
        (height, width): 0 outside the mask, 1 … count inside.
    count
        Number of components.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    if not len(row):
        return np.zeros(mask.shape, np.intp), 0

    one, other = _touching(row, start, end, width)
    root = np.arange(len(row))
    while True:
        least = np.minimum(root[one], root[other])
        new = root.copy()
        np.minimum.at(new, root[one], least)
        np.minimum.at(new, root[other], least)
        while not np.array_equal(jumped := new[new], new):
            new = jumped
        if np.array_equal(new, root):
            break
        root = new

    _, numbers = np.unique(root, return_inverse=True)
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(numbers + 1, end - start)
    return labels, int(numbers.max()) + 1


def _touching(
    row: NDArray[np.intp], start: NDArray[np.intp], end: NDArray[np.intp], width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of runs of neighbouring rows that touch, also by a corner."""
    # Positions that grow from row to row, so that one search finds the neighbours in the next row.
    stride = width + 2
    first, last = row * stride + start, row * stride + end
    # A run of the next row touches if it ends at or after the start, and starts at or before the end.
    low = np.searchsorted(last, first + stride, side="left")
    high = np.searchsorted(first, last + stride, side="right")
    counts = np.maximum(high - low, 0)
    one = np.repeat(np.arange(len(row)), counts)
    offsets = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    return one, np.repeat(low, counts) + offsets
