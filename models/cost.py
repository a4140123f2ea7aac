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

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ParameterError
from konkyo.models.hidings import CHUNK, factored
from konkyo.models.regions import Regions

# What is allowed for one image: multiply-adds, and bytes at the peak. The container has 512 MiB.
MOST_WORK = 4 * 10**9
MOST_BYTES = 64 * 2**20
# Regions in all that hiding may change where hidden affine layers follow.
MOST_MERGED = 16
# Regions that a cell sees at most where no side is named.
USUAL_PLAYERS = 9
# Subsets whose logits are computed at once where tables are merged.
MERGED_CHUNK = 4096
# Bytes of a number in float64, and of an index.
_NUMBER = 8


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
def tables(architecture: Architecture, regions: Regions, *, pairs: bool = False) -> Cost:
    """The cost of every combination of regions: Shapley values, interactions and grounds. ``pairs``: split by pair."""
    counts = [_seen(architecture, regions, layer) for layer in range(len(architecture.stages) + 1)]
    rows = [sum(number << players for players, number in count.items()) for count in counts]
    work, size = _tables(architecture, rows, [1 << max(count) for count in counts], pairs)
    players, outputs = max(counts[-1]), architecture.head[0][1]
    if architecture.hidden:
        merged = 1 << regions.count
        work += merged * (architecture.cells * outputs + sum(out * into for _, out, into in architecture.head[1:]))
        size += _NUMBER * (
            merged * architecture.classes + min(merged, MERGED_CHUNK) * (2 * outputs + architecture.cells)
        )
        players = regions.count
    quantities = _quantities(architecture) if pairs else architecture.classes
    return Cost(players, sum(rows), work, size, regions.count * quantities)


@lru_cache(maxsize=1024)
def singles(architecture: Architecture, regions: Regions) -> Cost:
    """The cost of hiding each region by itself, for one image."""
    counts = [_seen(architecture, regions, layer) for layer in range(len(architecture.stages) + 1)]
    rows = [sum(number * (players + 1) for players, number in count.items()) for count in counts]
    hidings, features = regions.count + 1, architecture.features
    sizes = []
    for number, stage in enumerate(architecture.stages):
        below, cells = architecture.sides[number] ** 2 + 1, architecture.sides[number + 1] ** 2
        made = rows[number + 1] * architecture.layer_maps[number + 1]
        columns = (rows[number] if number else 2 * below) * architecture.layer_maps[number]
        # Where the cells below are for each hiding; the index is made in steps, of which three are there at once.
        lookup = hidings * (below + 2 * cells)
        index = 3 * stage.width**2 * rows[number + 1]
        scratch = _scratch(architecture, number, rows, rows[number + 1])
        sizes.append(_NUMBER * (columns + made + lookup + max(index, index // 3 + scratch)))
    at_the_head = rows[-1] * architecture.maps + 2 * hidings * (features + architecture.head[0][1])
    head = sum(out * into for _, out, into in architecture.head)
    work = _work(architecture, rows) + hidings * head
    return Cost(
        max(counts[-1]),
        sum(rows),
        work,
        max(*sizes, _NUMBER * at_the_head),
        regions.count * architecture.classes,
    )


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


def allowed_sides(architecture: Architecture, *, pairs: bool = False) -> tuple[int, ...]:
    """The sides in pixels with which every combination is computed for any image."""
    sides = range(1, architecture.side // 2 + 1)
    return tuple(
        side for side in sides if not refusal(architecture, Regions(side, side=architecture.side), pairs=pairs)
    )


def refusal(architecture: Architecture, regions: Regions, *, pairs: bool = False) -> str | None:
    """Why every combination of these regions is too much for an image that hiding changes everywhere; None if not."""
    if architecture.hidden and regions.count > MOST_MERGED:
        return f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, not {regions.count}"
    cost = tables(architecture, regions, pairs=pairs)
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


def check_singles(architecture: Architecture, regions: Regions) -> None:
    """Raise ParameterError if hiding each of these regions by itself is too much."""
    if singles(architecture, regions).allowed:
        return
    side = architecture.side
    sides = [one for one in range(1, side // 2 + 1) if singles(architecture, Regions(one, side=side)).allowed]
    message = f"hiding each of {regions.count} regions by itself takes more than {MOST_BYTES >> 20} MiB"
    raise ParameterError("region", f"{message}; a side of {sides[0]} pixels would do" if sides else message)


def check_tables(
    architecture: Architecture, regions: Regions, differs: NDArray[np.bool_], *, pairs: bool = False
) -> None:
    """Raise ParameterError if every combination is too much for an image in which hiding changes these pixels.

    The rows that this image needs decide: in a drawing, hiding changes few regions.
    """
    message = refusal(architecture, regions, pairs=pairs)
    if message is None:
        return
    if architecture.hidden:
        changed = int(regions.changed(differs[None]).sum())
        if changed <= MOST_MERGED:
            return
        message = f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, and it changes {changed}"
    else:
        layers = range(1, len(architecture.stages) + 1)
        players = [regions.seen_changes(architecture, layer, differs).sum(1).tolist() for layer in layers]
        rows = [2 * architecture.side**2, *(sum(1 << cell for cell in layer) for layer in players)]
        work, size = _tables(architecture, rows, [1, *(1 << max(layer) for layer in players)], pairs)
        if work <= MOST_WORK and size <= MOST_BYTES:
            return
    sides = allowed_sides(architecture, pairs=pairs)
    raise ParameterError("region", f"{message}; a side of {sides[0]} pixels would do" if sides else message)


def _quantities(architecture: Architecture) -> int:
    """Values of a cell that are split by pair."""
    inputs, filters = architecture.pairs
    return inputs * filters + filters


def _tables(architecture: Architecture, rows: list[int], widest: list[int], pairs: bool) -> tuple[int, int]:
    """Multiply-adds and bytes at the peak of tables with these rows in each layer, and in each layer's widest cell."""
    outputs, last = architecture.head[0][1], len(architecture.stages) - 1
    values = _quantities(architecture) if pairs else architecture.maps
    sizes = []
    for number, stage in enumerate(architecture.stages):
        taps, maps = stage.width**2, values if number == last else architecture.layer_maps[number + 1]
        made = rows[number + 1] * maps
        columns = rows[number] * architecture.layer_maps[number]
        batch = min(rows[number + 1], max(widest[number + 1], 4 * CHUNK // taps))
        # The index doubles with each region: the new half is made of two of its size.
        index = 5 * taps * batch // 2
        scratch = _scratch(architecture, number, rows, batch, pairs=pairs and number == last)
        sizes.append(_NUMBER * (columns + made + max(index, taps * batch + scratch)))
    # The values of all cells are still there when the tables are made of them.
    tables = values if pairs else outputs
    largest = widest[-1] * (values + outputs)
    size = max(*sizes, _NUMBER * (rows[-1] * (values + outputs + (tables if pairs else 0)) + largest))
    return _work(architecture, rows) + rows[-1] * values * outputs, size


def _scratch(architecture: Architecture, number: int, rows: list[int], batch: int, *, pairs: bool = False) -> int:
    """Numbers that are held while a batch of a stage's rows is made."""
    stage, inputs = architecture.stages[number], architecture.layer_maps[number]
    taps, places = stage.width**2, stage.step**2 * stage.filters
    if pairs:
        some = min(batch, max(1, CHUNK // (inputs * max(taps, places))))
        return some * (inputs * taps + 4 * inputs * places) + batch * _quantities(architecture)
    made = batch * architecture.layer_maps[number + 1]
    if not factored(architecture, number, rows[number], rows[number + 1]):
        some = min(batch, max(1, CHUNK // (inputs * taps)))
        return made + some * (inputs * taps + 2 * places * (inputs if stage.paired else 1))
    some = min(batch, max(1, CHUNK // (4 * stage.filters)))
    return made + rows[number] * stage.kernel**2 * stage.filters + 4 * some * stage.filters


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
        if not factored(architecture, number, rows[number], rows[number + 1]):
            kernels = 1 if stage.paired else below
            total += rows[number + 1] * stage.width**2 * stage.step**2 * maps * kernels
        else:
            total += rows[number] * stage.kernel**2 * below * maps
            total += rows[number + 1] * stage.kernel**2 * stage.step**2 * maps
    return total
