"""What a question costs, from shapes alone, for an image that hiding changes everywhere; and what is allowed.

Rows are counted exactly, without making any. All numbers are Python's integers, which do not overflow: a cell may see
thousands of regions.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ParameterError
from konkyo.models.filters.usage import MOST_PAIRS
from konkyo.models.hiding.regions import Regions
from konkyo.models.hiding.rows import CHUNK, factored
from konkyo.models.result import HIDDEN_PAIRS

# What is allowed for one image: multiply-adds, and bytes at the peak. The container has 512 MiB.
MOST_WORK = 4 * 10**9
MOST_BYTES = 64 * 2**20
# Regions in all that hiding may change where hidden affine layers follow.
MOST_MERGED = 16
# Regions that a cell sees at most where no side is named.
USUAL_PLAYERS = 9
# The largest side of an image whose regions are of 2 pixels if each is hidden by itself and none is named.
FINE_SIDE = 32
# Channels of a colour image.
COLOUR = 3
# Subsets whose logits are computed at once where tables are merged.
MERGED_CHUNK = 4096
# What can be asked of a network.
OperationName = Literal["predict", "filters", "process", "occlusion", "shapley", "grounds"]
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


def passes(architecture: Architecture, numbers: int, *, ledger: bool = True) -> Cost:
    """The cost of a forward pass, with so many numbers in the answer.

    Parameters
    ----------
    ledger
        Whether the logits are split by filter pair, which takes a map for each pair.
    """
    cells = sum(maps * side**2 for maps, side in zip(architecture.layer_maps, architecture.sides, strict=True))
    pairs = prod(architecture.pairs) * architecture.cells if ledger else 0
    work = architecture.multiply_adds + pairs * architecture.classes
    return Cost(0, 0, work, _NUMBER * (4 * cells + 2 * pairs), numbers)


def passes_refusal(architecture: Architecture, *, ledger: bool = True) -> str | None:
    """Why a network takes no image, or none whose logits are split by filter pair; None if it does."""
    size = passes(architecture, 0, ledger=ledger).size
    return f"one image takes this network more than {MOST_BYTES >> 20} MiB" if size > MOST_BYTES else None


@lru_cache(maxsize=1024)
def tables(architecture: Architecture, regions: Regions, *, pairs: bool = False) -> Cost:
    """The cost of every combination of regions: Shapley values, interactions and grounds. ``pairs``: split by pair."""
    counts = [_seen(architecture, regions, layer) for layer in range(1, len(architecture.stages) + 1)]
    rows = [2 * architecture.side**2, *(sum(number << seen for seen, number in count.items()) for count in counts)]
    work, size = _tables(architecture, regions, rows, [max(count) for count in counts], regions.count, pairs)
    players = regions.count if architecture.hidden else max(counts[-1])
    quantities = _quantities(architecture) if pairs else architecture.classes
    return Cost(players, sum(rows), work, size, regions.count * quantities)


@lru_cache(maxsize=1024)
def singles(architecture: Architecture, regions: Regions, *, pairs: bool = False) -> Cost:
    """The cost of hiding each region by itself, for one image; an order of regions costs as much."""
    counts = [_seen(architecture, regions, layer) for layer in range(1, len(architecture.stages) + 1)]
    rows = [
        2 * architecture.side**2,
        *(sum(number * (seen + 1) for seen, number in count.items()) for count in counts),
    ]
    hidings, features, last = regions.count + 1, architecture.features, len(architecture.stages) - 1
    sizes = []
    for number, stage in enumerate(architecture.stages):
        # The image's pixels have a byte for each hiding, cells of other layers an index.
        below = (architecture.sides[number] ** 2 + 1) // (1 if number else _NUMBER)
        cells = architecture.sides[number + 1] ** 2
        split = pairs and number == last
        made = rows[number + 1] * (_quantities(architecture) if split else architecture.layer_maps[number + 1])
        columns = rows[number] * architecture.layer_maps[number]
        # Where the cells below are for each hiding; the index is made in steps, of which three are there at once.
        lookup = hidings * (below + 2 * cells)
        index = 3 * stage.width**2 * rows[number + 1]
        scratch = _scratch(architecture, number, rows, rows[number + 1], pairs=split)
        sizes.append(_NUMBER * (columns + made + lookup + max(index, index // 3 + scratch)))
    reaching = _quantities(architecture) if pairs else architecture.maps
    sizes.append(_NUMBER * (rows[-1] * reaching + 2 * hidings * (features + architecture.head[0][1])))
    head = sum(out * into for _, out, into in architecture.head)
    quantities = _quantities(architecture) if pairs else architecture.classes
    work = _work(architecture, rows) + hidings * (reaching * architecture.cells if pairs else head)
    return Cost(max(counts[-1]), sum(rows), work, max(sizes), regions.count * quantities)


def usual_side(architecture: Architecture, *, proofs: bool = False) -> int:
    """The side of the regions where none is named, for every combination.

    It is the smallest with at most nine regions a cell: 4 for the paper's network. With hidden affine layers it is the
    smallest with at most 16 regions in all. ``proofs``: for grounds; in a photograph every region plays and proofs grow
    with their number, so for colour it is at least a quarter of the image's side.
    """
    least = architecture.side // 4 if proofs and architecture.channels == COLOUR else 1
    for region in range(least, architecture.side // 2 + 1):
        regions = Regions(region, side=architecture.side)
        cost = tables(architecture, regions)
        if cost.allowed and cost.players <= (MOST_MERGED if architecture.hidden else USUAL_PLAYERS):
            return region
    return architecture.side // 2


def usual_single_side(architecture: Architecture) -> int:
    """The side of the regions where none is named, for hiding each by itself: the paper's 2, and 4 in large images.

    Where that is too much, the smallest that is not.
    """
    least = 2 if architecture.side <= FINE_SIDE else 4
    sides = (Regions(region, side=architecture.side) for region in range(least, architecture.side // 2 + 1))
    return next((some.region for some in sides if singles_refusal(architecture, some) is None), least)


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
    who = "there are" if architecture.hidden else "a cell sees up to"
    return _too_much(f"{who} {cost.players} regions, and all their combinations take", cost.multiply_adds, cost.size)


@dataclass(frozen=True)
class Limit:
    """What cannot be asked, and why not.

    Attributes
    ----------
    what
        ``image``, which is every one, ``pairs``, ``typicality`` or regions of some sides, as in ``region 1 to 3``.
    why
        One sentence.
    """

    what: str
    why: str


@dataclass(frozen=True)
class Explains:
    """What can be asked of a network by one operation.

    Attributes
    ----------
    operation
        ``predict``, ``filters``, ``process``, ``occlusion``, ``shapley`` or ``grounds``.
    region
        The side of the regions in pixels where none is named; None where there are no regions.
    regions
        The sides with which every image is answered. Where hiding changes few regions of an image, others may do.
    cannot
        What cannot be asked.
    """

    operation: OperationName
    region: int | None
    regions: tuple[int, ...]
    cannot: tuple[Limit, ...]


@lru_cache(maxsize=64)
def explains(architecture: Architecture) -> tuple[Explains, ...]:
    """What can be asked of a network, with which regions, and why not the rest."""
    pairs, sides = prod(architecture.pairs), range(1, architecture.side // 2 + 1)
    untypical = f"typicality is there for at most {MOST_PAIRS} pairs, and this network has {pairs:,}"
    by_class = (Limit("typicality", untypical),) if pairs > MOST_PAIRS else ()
    split = (Limit("pairs", HIDDEN_PAIRS),) if architecture.hidden else ()

    def images(*, ledger: bool) -> tuple[Limit, ...]:
        why = passes_refusal(architecture, ledger=ledger)
        return () if why is None else (Limit("image", why),)

    def hiding(operation: OperationName, usual: int, refused: Callable[[Regions], str | None]) -> Explains:
        found = {side: refused(Regions(side, side=architecture.side)) for side in sides}
        regions = tuple(side for side, why in found.items() if why is None)
        wrong = {side: why for side, why in found.items() if why is not None}
        limits: tuple[Limit, ...] = ()
        if wrong:
            named = f"region {min(wrong)} to {max(wrong)}" if len(wrong) > 1 else f"region {min(wrong)}"
            limits = (Limit(named, wrong[max(wrong)]),)
        return Explains(operation, usual, regions, limits + (() if operation == "grounds" else split))

    exact, usual = partial(refusal, architecture), usual_side(architecture)
    return (
        Explains("predict", None, (), images(ledger=False)),
        Explains("filters", None, (), images(ledger=True) + by_class),
        Explains("process", None, (), images(ledger=True) + by_class),
        hiding("occlusion", usual_single_side(architecture), partial(singles_refusal, architecture)),
        hiding("shapley", usual, exact),
        hiding("grounds", usual_side(architecture, proofs=True), exact),
    )


def check_singles(architecture: Architecture, regions: Regions, *, pairs: bool = False, orders: int = 1) -> None:
    """Raise ParameterError if hiding each of these regions by itself is too much.

    Parameters
    ----------
    pairs
        Whether the drops are split by pair.
    orders
        How many times as much is asked: orders of regions that are followed.
    """

    if (message := singles_refusal(architecture, regions, pairs=pairs, orders=orders)) is not None:
        each = (Regions(region, side=architecture.side) for region in range(1, architecture.side // 2 + 1))
        sides = [some.region for some in each if not singles_refusal(architecture, some, pairs=pairs, orders=orders)]
        advice = f"; a side of {sides[0]} pixels, and no smaller stride, would do" if sides else ""
        raise ParameterError("region", message + advice)


def singles_refusal(
    architecture: Architecture, regions: Regions, *, pairs: bool = False, orders: int = 1
) -> str | None:
    """Why hiding each of these regions by itself is too much; None if not. Parameters as in ``check_singles``."""
    cost = singles(architecture, regions, pairs=pairs)
    said = f"hiding each of {regions.count} regions by itself takes"
    return _too_much(said, orders * cost.multiply_adds, cost.size)


def check_tables(
    architecture: Architecture, regions: Regions, differs: NDArray[np.bool_], *, pairs: bool = False
) -> None:
    """Raise ParameterError if every combination is too much for an image in which hiding changes these pixels.

    The rows that this image needs decide: in a drawing, hiding changes few regions.
    """
    message = refusal(architecture, regions, pairs=pairs)
    if message is None:
        return
    changed = int(regions.changed(differs[None]).sum())
    if architecture.hidden and changed > MOST_MERGED:
        message = f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, and it changes {changed}"
    elif _NUMBER * _bookkeeping(architecture, regions) <= MOST_BYTES:
        layers = range(1, len(architecture.stages) + 1)
        seen = [regions.seen_changes(architecture, layer, differs).sum(1).tolist() for layer in layers]
        rows = [2 * architecture.side**2, *(sum(1 << cell for cell in layer) for layer in seen)]
        found = _tables(architecture, regions, rows, [max(layer) for layer in seen], changed, pairs)
        said = f"hiding changes {changed} regions of this image, and all their combinations take"
        if (message := _too_much(said, *found)) is None:
            return
    sides = allowed_sides(architecture, pairs=pairs)
    raise ParameterError("region", f"{message}; a side of {sides[0]} pixels would do" if sides else message)


def _too_much(said: str, multiply_adds: int, size: int) -> str | None:
    """What takes more than is allowed, in words; None if nothing does."""
    if size > MOST_BYTES:
        return f"{said} more than {MOST_BYTES >> 20} MiB"
    return f"{said} more than {MOST_WORK:,} multiply-adds" if multiply_adds > MOST_WORK else None


def _quantities(architecture: Architecture) -> int:
    """Values of a cell that are split by pair."""
    inputs, filters = architecture.pairs
    return inputs * filters + filters


def _bookkeeping(architecture: Architecture, regions: Regions) -> int:
    """Numbers that say which cell sees which region, and where the pixels are when it is hidden."""
    cells = max(side**2 for side in architecture.sides)
    return regions.count * (architecture.side**2 + 2 * cells)


def _tables(
    architecture: Architecture, regions: Regions, rows: list[int], widest: list[int], players: int, pairs: bool
) -> tuple[int, int]:
    """Multiply-adds and bytes at the peak of every combination.

    Parameters
    ----------
    rows
        Rows of each layer, that of the image first.
    widest
        Regions that the widest cell of each stage's output sees.
    players
        Regions that are merged where hidden affine layers follow.
    """
    outputs, last = architecture.head[0][1], len(architecture.stages) - 1
    values = _quantities(architecture) if pairs else architecture.maps
    sizes = []
    for number, stage in enumerate(architecture.stages):
        taps, maps = stage.width**2, values if number == last else architecture.layer_maps[number + 1]
        made = rows[number + 1] * maps
        columns = rows[number] * architecture.layer_maps[number]
        batch = min(rows[number + 1], max(1 << widest[number], 4 * CHUNK // taps))
        # The index doubles with each region: the new half is made of two of its size.
        index = 5 * taps * batch // 2
        scratch = _scratch(architecture, number, rows, batch, pairs=pairs and number == last)
        sizes.append(columns + made + max(index, taps * batch + scratch))
    # The values of all cells are still there when the tables are made of them.
    tables = rows[-1] * (values + outputs + (values if pairs else 0)) + (values + outputs << widest[-1])
    work = _work(architecture, rows) + rows[-1] * values * outputs
    if architecture.hidden:
        merged = 1 << players
        work += merged * (architecture.cells * outputs + sum(out * into for _, out, into in architecture.head[1:]))
        chunk = min(merged, MERGED_CHUNK)
        tables += merged * architecture.classes + chunk * (2 * outputs + architecture.cells)
    return work, _NUMBER * (max(*sizes, tables) + _bookkeeping(architecture, regions))


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
