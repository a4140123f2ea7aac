"""What a question costs, from shapes alone, for an image that hiding changes everywhere; and what is allowed.

Rows are counted exactly, without making any. All numbers are Python's integers, which do not overflow: a cell may see
thousands of regions.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.errors import ParameterError
from konkyo.models.hidings import CHUNK, FACTORED
from konkyo.models.regions import Regions

# What is allowed for one image: multiply-adds, and bytes at the peak. The container has 512 MiB.
MOST_WORK = 4 * 10**9
MOST_BYTES = 64 * 2**20
# Regions in all that hiding may change where hidden affine layers follow.
MOST_MERGED = 16
# Regions that a cell sees at most where no side is named.
USUAL_PLAYERS = 9
_FLOAT, _INDEX = 8, 8


@dataclass(frozen=True)
class Cost:
    """What a question costs.

    Attributes
    ----------
    players
        Regions that a cell of the last layer sees at most; with hidden affine layers, all of them.
    rows
        Rows of all layers.
    multiply_adds
        Products, and numbers that are gathered and added, in float64.
    size
        Bytes at the peak.
    answer
        Numbers in the answer.
    """

    players: int
    rows: int
    multiply_adds: int
    size: int
    answer: int

    @property
    def allowed(self) -> bool:
        """Whether it is computed at all."""
        return self.multiply_adds <= MOST_WORK and self.size <= MOST_BYTES


@lru_cache(maxsize=1024)
def tables(architecture: Architecture, regions: Regions) -> Cost:
    """The cost of every combination of regions: Shapley values, interactions and grounds."""
    counts = [_seen(architecture, regions, layer) for layer in range(len(architecture.stages) + 1)]
    rows = [sum(number << players for players, number in count.items()) for count in counts]
    players = max(counts[-1])
    batch = [max(1 << max(count), 4 * CHUNK // stage.width**2) for count, stage in _stages(architecture, counts)]
    outputs = architecture.head[0][1]
    size = _peak(architecture, rows, batch) + _FLOAT * rows[-1] * outputs
    work = _work(architecture, rows) + rows[-1] * architecture.maps * outputs
    if architecture.hidden:
        merged = 1 << regions.count
        work += merged * (architecture.cells * outputs + sum(out * into for _, out, into in architecture.head[1:]))
        size += _FLOAT * (merged * architecture.classes + 4096 * (2 * outputs + architecture.cells))
        players = regions.count
    return Cost(players, sum(rows), work, size, regions.count * architecture.classes)


@lru_cache(maxsize=1024)
def singles(architecture: Architecture, regions: Regions) -> Cost:
    """The cost of hiding each region by itself."""
    counts = [_seen(architecture, regions, layer) for layer in range(len(architecture.stages) + 1)]
    rows = [sum(number * (players + 1) for players, number in count.items()) for count in counts]
    features = architecture.features
    lookup = max((side**2 + 1) * (regions.count + 1) * 3 for side in (architecture.side, *architecture.sides[1:]))
    size = _peak(architecture, rows, rows[1:]) + _INDEX * lookup + _FLOAT * 2 * (regions.count + 1) * features
    head = sum(out * into for _, out, into in architecture.head)
    work = _work(architecture, rows) + (regions.count + 1) * head
    return Cost(max(counts[-1]), sum(rows), work, size, regions.count * architecture.classes)


def usual_side(architecture: Architecture) -> int:
    """The side of the regions where none is named, for every combination.

    It is the smallest with at most nine regions a cell: 4 for the paper's network. With hidden affine layers it is the
    smallest with at most 16 regions in all.
    """
    for region in range(1, architecture.side // 2 + 1):
        regions = Regions(region, side=architecture.side)
        cost = tables(architecture, regions)
        if cost.allowed and cost.players <= (MOST_MERGED if architecture.hidden else USUAL_PLAYERS):
            return region
    return architecture.side // 2


def allowed_sides(architecture: Architecture) -> tuple[int, ...]:
    """The sides in pixels with which every combination is computed for any image."""
    sides = range(1, architecture.side // 2 + 1)
    return tuple(side for side in sides if not refusal(architecture, Regions(side, side=architecture.side)))


def refusal(architecture: Architecture, regions: Regions) -> str | None:
    """Why every combination of these regions is too much for an image that hiding changes everywhere; None if not."""
    if architecture.hidden and regions.count > MOST_MERGED:
        return f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, not {regions.count}"
    cost = tables(architecture, regions)
    if cost.size > MOST_BYTES:
        return (
            f"a cell sees up to {cost.players} regions, and all their combinations take more than "
            f"{MOST_BYTES >> 20} MiB"
        )
    if cost.multiply_adds > MOST_WORK:
        return (
            f"a cell sees up to {cost.players} regions, and all their combinations take more than "
            f"{MOST_WORK:,} multiply-adds"
        )
    return None


def check_tables(architecture: Architecture, regions: Regions, differs: NDArray[np.bool_]) -> None:
    """Raise ParameterError if every combination is too much for an image in which hiding changes these pixels."""
    message = refusal(architecture, regions)
    if message is None:
        return
    changed = int(regions.changed(differs[None]).sum())
    if architecture.hidden:
        if changed <= MOST_MERGED:
            return
        message = f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, and it changes {changed}"
    else:
        last = len(architecture.stages)
        rows = [
            sum(number << players for players, number in Counter(seen.sum(1).tolist()).items())
            for seen in (regions.seen_changes(architecture, layer, differs) for layer in range(1, last + 1))
        ]
        rows = [2 * architecture.side**2, *rows]
        batch = [max(2**USUAL_PLAYERS, min(row, 4 * CHUNK)) for row in rows[1:]]
        outputs = architecture.head[0][1]
        size = _peak(architecture, rows, batch) + _FLOAT * rows[-1] * outputs
        if size <= MOST_BYTES and _work(architecture, rows) + rows[-1] * architecture.maps * outputs <= MOST_WORK:
            return
    sides = allowed_sides(architecture)
    raise ParameterError("region", f"{message}; a side of {sides[0]} pixels would do" if sides else message)


def _stages(architecture: Architecture, counts: list[Counter[int]]) -> list[tuple[Counter[int], Stage]]:
    return list(zip(counts[1:], architecture.stages, strict=True))


def _seen(architecture: Architecture, regions: Regions, layer: int) -> Counter[int]:
    """How many cells of a layer see how many regions."""
    starts = np.array(regions.starts)
    along = Counter(
        int(((starts < behind) & (starts + regions.region > first)).sum())
        for first, behind in architecture.sight(layer)
    )
    found: Counter[int] = Counter()
    for (rows, many), (columns, times) in product(along.items(), repeat=2):
        found[rows * columns] += many * times
    return found


def _work(architecture: Architecture, rows: list[int]) -> int:
    """Multiply-adds of the rows of all layers."""
    total = 0
    for number, stage in enumerate(architecture.stages):
        below, maps = architecture.layer_maps[number], architecture.layer_maps[number + 1]
        if stage.paired or below < FACTORED:
            kernels = 1 if stage.paired else below
            total += rows[number + 1] * stage.width**2 * stage.step**2 * maps * kernels
        else:
            total += rows[number] * stage.kernel**2 * below * maps
            total += rows[number + 1] * stage.kernel**2 * stage.step**2 * maps
    return total


def _peak(architecture: Architecture, rows: list[int], batch: list[int]) -> int:
    """Bytes at the peak: at some stage the rows below, their products, an index, and the rows that are made."""
    peak = 0
    for number, stage in enumerate(architecture.stages):
        below, maps = architecture.layer_maps[number], architecture.layer_maps[number + 1]
        last = number == len(architecture.stages) - 1
        products = 0 if stage.paired or below < FACTORED else rows[number] * stage.kernel**2 * maps
        made = min(rows[number + 1], batch[number]) if last else 2 * rows[number + 1]
        held = _FLOAT * (rows[number] * below + products + made * maps + 4 * CHUNK)
        peak = max(peak, held + _INDEX * 3 * stage.width**2 * min(rows[number + 1], batch[number]))
    return peak
