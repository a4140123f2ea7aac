"""What a question costs for an image that hiding changes everywhere, and what is allowed. Plans count (``plan.py``)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture, Factor
from konkyo.models.errors import ParameterError
from konkyo.models.filters.usage import MOST_PAIRS
from konkyo.models.hiding.counting import NUMBER, Cost, Counts, Family
from konkyo.models.hiding.plan import Plan, kept_plan
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import STRIP
from konkyo.models.result import HIDDEN_PAIRS

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


@dataclass(frozen=True)
class Budget:
    """What is allowed for one image. The usual one is the service's: its container has 512 MiB.

    Attributes
    ----------
    work
        Multiply-adds.
    size
        Bytes at the peak.
    """

    work: int = 2 * 10**9
    size: int = 64 * 2**20

    def exceeded(self, said: str, cost: Cost) -> str | None:
        """What takes more than is allowed, in words; None if nothing does."""
        if cost.size > self.size:
            return f"{said} more than {self.size >> 20} MiB"
        return f"{said} more than {self.work:,} multiply-adds" if cost.multiply_adds > self.work else None


USUAL = Budget()


@lru_cache(maxsize=1024)
def passes(architecture: Architecture, numbers: int, *, ledger: bool = True) -> Cost:
    """The cost of a forward pass, with so many numbers in the answer.

    Parameters
    ----------
    ledger
        Whether the logits are split by filter pair, which takes a map for each pair.
    """
    kept, most, strip, outputs = 0, 0, 0, 0
    # The ledger needs all layers, and so may a later stage.
    keeps = ledger or any(stage.sources for stage in architecture.stages)
    for number, stage in enumerate(architecture.stages):
        maps, side = architecture.below(number)
        outputs = stage.sides(side)[0]
        made = architecture.layer_maps[number + 1] * outputs**2
        # What a strip of outputs sees; a strip is one row of outputs at least.
        seen = maps * max(stage.kernel, 1) ** 2 * outputs
        strip = max(min(STRIP, seen * outputs), seen)
        kept += made + architecture.layer_maps[number + 1] * architecture.sides[number + 1] ** 2
        given = maps * side**2 * (2 if stage.padded else 1)
        most = max(most, given + strip + (kept if keeps else made) + 2 * made)
    pairs = prod(architecture.pairs)
    work = architecture.multiply_adds
    if ledger:
        work += pairs * architecture.cells * architecture.classes
        # The responses of each pair, at the places that count, and the products with the head.
        most = max(
            most,
            kept + strip + pairs * (2 * outputs**2 + architecture.cells),
            kept + 2 * pairs * (architecture.cells + architecture.classes),
        )
    return Cost(0, 0, work, NUMBER * most, numbers)


def passes_refusal(architecture: Architecture, *, ledger: bool = True) -> str | None:
    """Why a network takes no image, or none whose logits are split by filter pair; None if it does."""
    return USUAL.exceeded("one image takes this network", passes(architecture, 0, ledger=ledger))


@lru_cache(maxsize=1024)
def tables(
    architecture: Architecture, regions: Regions, *, pairs: bool = False, kept: bool = True, listed: bool = False
) -> Cost:
    """The cost of every combination of regions: Shapley values, interactions and grounds.

    Parameters
    ----------
    pairs
        Whether values are split by pair.
    kept
        Whether all tables are there at once. Shapley values and interactions are added up cell by cell.
    listed
        Whether the answer has the tables, as the handout does.
    """
    plan = Counts(architecture, regions, Family.EVERY, pairs=pairs)
    found = _tables(plan, regions.count, kept)
    rows = 0
    if listed:
        rows = 1 << min(regions.count, MOST_MERGED) if architecture.hidden else plan.gathered
    return replace(found, answer=found.answer + rows * architecture.classes)


def _tables(plan: Counts, changed: int, kept: bool) -> Cost:
    """The cost of tables; ``changed`` regions are merged where hidden affine layers follow."""
    architecture, cost, rows = plan.architecture, plan.cost, plan.rows[-1]
    outputs, values, cells = architecture.head[0][1], plan.values(plan.last), plan.shape.sides[-1] ** 2
    work = cost.multiply_adds + rows * architecture.maps * outputs + (rows * values if plan.pairs else 0)
    # Tables, and a batch of cells: its rows, of one cell twice for the product, the weights, and its tables.
    batch, cells_at_once = plan.batch(plan.last), plan.cells(plan.last)
    tabled = rows * outputs if kept or architecture.hidden else 0
    used = batch * values + (batch // cells_at_once) * values + cells_at_once * architecture.maps * outputs
    if plan.pairs:
        used += 2 * batch * values
    if not tabled:
        used += 2 * batch * outputs
    sizes = [
        cost.size // NUMBER + tabled * (rows - batch) // rows,
        plan.held(plan.last) + plan.products(plan.last) + tabled + used,
    ]
    if architecture.hidden:
        merged, chunk = 1 << changed, min(1 << changed, MERGED_CHUNK)
        widths = [out for _, out, _ in architecture.head]
        work += merged * (cells * outputs + sum(out * into for _, out, into in architecture.head[1:]))
        # Tables of cells that see the same regions are added up; what is made of the logits needs two copies of them.
        sizes.append(
            tabled
            + merged * widths[-1]
            + max(chunk * (3 * changed + 2 * outputs + sum(widths)), 2 * merged * widths[-1])
        )
    quantities = prod(architecture.pairs) + architecture.stages[-1].filters if plan.pairs else architecture.classes
    players = plan.regions.count if architecture.hidden else cost.players
    return Cost(players, cost.rows, work, NUMBER * max(sizes), plan.regions.count * quantities)


@lru_cache(maxsize=1024)
def singles(architecture: Architecture, regions: Regions, *, pairs: bool = False) -> Cost:
    """The cost of hiding each region by itself, for one image; an order of regions costs as much."""
    plan = Counts(architecture, regions, Family.SINGLE, pairs=pairs)
    cost, hidings, values = plan.cost, regions.count + 1, plan.values(plan.last)
    cells, outputs, rows = plan.shape.sides[-1] ** 2, architecture.head[0][1], plan.rows[-1]
    reaching = values if pairs else architecture.maps
    index = sum(
        made * stage.width**2 * len(plan.shape.sources(number)) if plan.keeps else 0
        for number, (made, stage) in enumerate(zip(plan.rows[1:], plan.shape.stages, strict=True))
    )
    # With all rows of the last layer: of a block of cells the values in all hidings, twice, and the sums.
    if pairs:
        block = 3 * hidings * values
    else:
        block = 2 * min(cells, max(1, STRIP // (hidings * reaching))) * hidings * reaching
    table = hidings * (cells + 1)
    ends = plan.bookkeeping(plan.last) + rows * values + index + 2 * table + block + 3 * hidings * outputs
    head = hidings * (cells * reaching * (1 if pairs else outputs))
    head += hidings * sum(out * into for _, out, into in architecture.head[1:])
    quantities = prod(architecture.pairs) + architecture.stages[-1].filters if pairs else architecture.classes
    size = max(cost.size, NUMBER * ends)
    return Cost(cost.players, cost.rows, cost.multiply_adds + head, size, regions.count * quantities)


def usual_side(architecture: Architecture, *, proofs: bool = False) -> int:
    """The side of the regions where none is named, for every combination.

    It is the smallest with at most nine regions a cell: 4 for the paper's network. With hidden affine layers it is the
    smallest with at most 16 regions in all. ``proofs``: for grounds; in a photograph every region plays and proofs grow
    with their number, so for colour it is at least a quarter of the image's side.
    """
    return _usual_side(architecture, proofs)


@lru_cache(maxsize=256)
def _usual_side(architecture: Architecture, proofs: bool) -> int:
    least = architecture.side // 4 if proofs and architecture.channels == COLOUR else 1
    for region in range(least, architecture.side // 2 + 1):
        regions = Regions(region, side=architecture.side)
        cost = tables(architecture, regions)
        most = MOST_MERGED if architecture.hidden else USUAL_PLAYERS
        if cost.players <= most and USUAL.exceeded("", cost) is None:
            return region
    return architecture.side // 2


def usual_single_side(architecture: Architecture) -> int:
    """The side of the regions where none is named, for hiding each by itself: the paper's 2, and 4 in large images.

    Where that is too much, the smallest that is not.
    """
    return _usual_single_side(architecture)


@lru_cache(maxsize=256)
def _usual_single_side(architecture: Architecture) -> int:
    least = 2 if architecture.side <= FINE_SIDE else 4
    sides = (Regions(region, side=architecture.side) for region in range(least, architecture.side // 2 + 1))
    return next((each.region for each in sides if singles_refusal(architecture, each) is None), least)


def allowed_sides(architecture: Architecture, *, pairs: bool = False, kept: bool = True) -> tuple[int, ...]:
    """The sides in pixels with which every combination is computed for any image."""
    sides = range(1, architecture.side // 2 + 1)
    return tuple(
        side
        for side in sides
        if not refusal(architecture, Regions(side, side=architecture.side), pairs=pairs, kept=kept)
    )


def refusal(
    architecture: Architecture,
    regions: Regions,
    *,
    pairs: bool = False,
    kept: bool = True,
    budget: Budget | None = USUAL,
) -> str | None:
    """Why every combination of these regions is too much for an image that hiding changes everywhere; None if not."""
    if architecture.hidden and regions.count > MOST_MERGED:
        return f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, not {regions.count}"
    if budget is None:
        return None
    cost = tables(architecture, regions, pairs=pairs, kept=kept)
    who = "there are" if architecture.hidden else "a cell sees up to"
    return budget.exceeded(f"{who} {cost.players} regions, and all their combinations take", cost)


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
    factor
        Where logits are split by filter pair: what by.
    """

    operation: OperationName
    region: int | None
    regions: tuple[int, ...]
    cannot: tuple[Limit, ...]
    factor: Factor | None = None


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

    usual = usual_side(architecture)
    return (
        Explains("predict", None, (), images(ledger=False)),
        Explains("filters", None, (), images(ledger=True) + by_class, architecture.factor),
        Explains("process", None, (), images(ledger=True) + by_class, architecture.factor),
        hiding("occlusion", usual_single_side(architecture), partial(singles_refusal, architecture)),
        hiding("shapley", usual, partial(refusal, architecture, kept=False)),
        hiding("grounds", usual_side(architecture, proofs=True), partial(refusal, architecture)),
    )


def check_singles(
    architecture: Architecture,
    regions: Regions,
    *,
    pairs: bool = False,
    orders: int = 1,
    budget: Budget | None = USUAL,
) -> None:
    """Raise ParameterError if hiding each of these regions by itself is too much.

    Parameters
    ----------
    pairs
        Whether the drops are split by pair.
    orders
        How many times as much is asked: orders of regions that are followed.
    budget
        What may be spent; None for no limit.
    """
    refused = partial(singles_refusal, architecture, pairs=pairs, orders=orders, budget=budget)
    if (message := refused(regions)) is not None:
        each = (Regions(region, side=architecture.side) for region in range(1, architecture.side // 2 + 1))
        fits = next((other.region for other in each if refused(other) is None), None)
        advice = f"; a side of {fits} pixels, and no smaller stride, would do" if fits else ""
        raise ParameterError("region", message + advice)


@lru_cache(maxsize=1024)
def singles_refusal(
    architecture: Architecture,
    regions: Regions,
    *,
    pairs: bool = False,
    orders: int = 1,
    budget: Budget | None = USUAL,
) -> str | None:
    """Why hiding each of these regions by itself is too much; None if not. Parameters as in ``check_singles``."""
    if budget is None:
        return None
    cost = singles(architecture, regions, pairs=pairs)
    wanted = Cost(cost.players, cost.rows, orders * cost.multiply_adds, cost.size, cost.answer)
    return budget.exceeded(f"hiding each of {regions.count} regions by itself takes", wanted)


def planned_tables(
    architecture: Architecture,
    regions: Regions,
    differs: NDArray[np.bool_],
    *,
    pairs: bool = False,
    kept: bool = True,
    budget: Budget | None = USUAL,
) -> Plan:
    """The plan of every combination for an image in which hiding changes these pixels (side, side).

    The rows that this image needs decide: in a drawing, hiding changes few regions.

    Raises
    ------
    ParameterError
        They are too much. The message names a side that would do.
    """
    message = refusal(architecture, regions, pairs=pairs, kept=kept, budget=budget)
    if message is None:
        return kept_plan(architecture, regions, Family.EVERY, differs, pairs=pairs)
    plan = Plan(architecture, regions, Family.EVERY, differs, pairs=pairs)
    changed = int(regions.changed(differs[None]).sum())
    if architecture.hidden and changed > MOST_MERGED:
        message = f"with hidden affine layers hiding may change at most {MOST_MERGED} regions, and it changes {changed}"
    elif budget is None or plan.finding <= budget.size:
        said = f"hiding changes {changed} regions of this image, and all their combinations take"
        if budget is None or (message := budget.exceeded(said, _tables(plan, changed, kept))) is None:
            return plan
    sides = range(1, architecture.side // 2 + 1)
    refused = partial(refusal, architecture, pairs=pairs, kept=kept, budget=budget)
    fits = next((side for side in sides if refused(Regions(side, side=architecture.side)) is None), None)
    raise ParameterError("region", f"{message}; a side of {fits} pixels would do" if fits else message)
