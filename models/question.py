"""What is asked of a network about images: the same question for one image and for a thousand.

A question is checked when it is made: its classes, its regions, and what it costs for an image that hiding changes
everywhere. Who asks, over HTTP, from Python or for a file, makes a question and gets its results.

A question's docstring and the description of each option are also what HTTP and Python say of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from math import comb, prod
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import numpy as np
from pydantic import Field

from konkyo.models import ties
from konkyo.models.classes import find
from konkyo.models.errors import ParameterError
from konkyo.models.filters.contributions import (
    MOST_TOP,
    FilterExplanation,
    MapDetail,
    check_top,
    contributions,
    traced_contributions,
)
from konkyo.models.filters.process import USUAL_TOP, Process, process_numbers, usual_top
from konkyo.models.filters.usage import Usage
from konkyo.models.grounds.proofs import Grounds, Position, grounds
from konkyo.models.hiding.cost import (
    USUAL,
    Budget,
    check_singles,
    passes,
    singles,
    tables,
    usual_side,
    usual_single_side,
)
from konkyo.models.hiding.counting import Cost
from konkyo.models.hiding.occlusion import (
    RANDOM_ORDERS,
    OcclusionExplanation,
    Score,
    faithfulness,
    occlude,
    pair_drops,
)
from konkyo.models.hiding.regions import FILL_WORDS, Hiding, Regions, fill_of, side_of
from konkyo.models.hiding.shapley import ShapleyExplanation, explained_values
from konkyo.models.network import Array, Network
from konkyo.models.result import Prediction, Result, check_pairs, check_question, check_single

R = TypeVar("R", bound=Result)
E = TypeVar("E", bound=StrEnum)

# Numbers in the answer about one image at most.
MOST_NUMBERS = 2**20
# An image is answered at once, in less than a millisecond, if it takes at most so many multiply-adds and bytes, and if
# its answer has at most so many numbers.
CHEAP_WORK, CHEAP_BYTES, CHEAP_NUMBERS = 8 * 10**6, 6 * 2**20, 4_096


# Options that several questions have.
Class = Any  # A name or a number; from Python also an array with one.
Side = Annotated[
    int | tuple[int, ...] | None,
    Field(
        description="Side of a region in pixels, from 1 to half the image's side; if absent, as the model's `explains` "
        "says: 4 for 28×28. Smaller ones only where hiding changes few regions."
    ),
]
Fill = Annotated[Any, Field(description=FILL_WORDS)]
Faithful = Annotated[bool, Field(description="Measure the explanation against random orders.")]


@dataclass(frozen=True)
class Option:
    """An option of a question.

    Attributes
    ----------
    kind
        Its type, with its description and its range as pydantic reads them.
    about
        The description.
    default
        Its value if nothing is said.
    """

    kind: Any
    about: str
    default: Any


@dataclass(frozen=True, kw_only=True)
class Question(ABC, Generic[R]):
    """A question about images of one network. All its other fields with a description are options.

    Parameters
    ----------
    network
        Its precision is that of the results.
    budget
        What may be spent for an image, by default what the service allows; None for no limit.
    usage
        The study of the network, if any.

    Raises
    ------
    ParameterError
        A parameter is out of range, does not fit the network, or asks for too much.
    """

    network: Network = field(kw_only=False)
    budget: Budget | None = USUAL
    usage: Usage | None = None

    @classmethod
    def options(cls) -> dict[str, Option]:
        """The options by name, in the order of their declaration."""
        kinds, found = get_type_hints(cls, include_extras=True), {}
        for one in fields(cls):
            about = [said.description for said in getattr(kinds[one.name], "__metadata__", ())]
            if about:
                found[one.name] = Option(kinds[one.name], about[-1], one.default)
        return found

    def __post_init__(self) -> None:
        cost, budget = self.cost, self.budget
        if budget is None:
            return
        if cost.answer > MOST_NUMBERS:
            raise ParameterError(
                "query",
                f"the answer would have {cost.answer:,} numbers, and it may have {MOST_NUMBERS:,}; ask for less",
            )
        # Rows under hidings are counted for an image that hiding changes everywhere; those of this one decide later.
        if not cost.rows and (message := budget.exceeded("one image takes this network", cost)) is not None:
            raise ParameterError("model", message)

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What it costs for an image that hiding changes everywhere."""

    @abstractmethod
    def answers(self, images: Array) -> list[R]:
        """The result for each of N images of the network's shape, in [0, 1].

        Raises
        ------
        ImageError
            Images of another shape or not finite, or one that has no such answer.
        BudgetError
            An exact answer takes more work than is allowed.
        """

    def answer(self, image: Array) -> R:
        """The result for one image; as ``answers``."""
        check_single(image, self.network)
        [result] = self.answers(np.asarray(image)[None])
        return result

    @property
    def is_cheap(self) -> bool:
        """Whether an image takes less than a millisecond."""
        cost = self.cost
        return cost.multiply_adds <= CHEAP_WORK and cost.size <= CHEAP_BYTES and cost.answer <= CHEAP_NUMBERS


@dataclass(frozen=True, kw_only=True)
class PredictQuestion(Question[Prediction]):
    """Which class is it?

    The picture shows the image beside a bar for each class.
    """

    @property
    def cost(self) -> Cost:
        return passes(self.network.architecture, 2 * self.network.architecture.classes, ledger=False)

    def answers(self, images: Array) -> list[Prediction]:
        logits = self.network.logits(images)
        return [Prediction.of(self.network, image, one) for image, one in zip(images, logits, strict=True)]


@dataclass(frozen=True, kw_only=True)
class ClassQuestion(Question[R]):
    """A question about a class."""

    target: Annotated[
        Class,
        Field(
            description="The class to explain, by its name or its number from 0; where both fit, the name. The "
            "predicted one, if absent."
        ),
    ] = field(default=None, kw_only=False)
    versus: Annotated[
        Class,
        Field(
            description="The class to compare with, named as `target`: numbers become the difference target − versus."
        ),
    ] = field(default=None, kw_only=False)
    # The indices of the two classes.
    classes: tuple[int | None, int | None] = field(init=False)

    def __post_init__(self) -> None:
        names = self.network.classes
        target = None if self.target is None else find("target", self.target, names)
        versus = None if self.versus is None else find("versus", self.versus, names)
        check_question(target, versus, names)
        object.__setattr__(self, "classes", (target, versus))
        super().__post_init__()

    def explained(self, logits: Array) -> list[int]:
        """The class that is explained of each image, for logits (N, C)."""
        target, versus = self.classes
        explained: list[int] = ties.predicted(logits).tolist() if target is None else [target] * len(logits)
        for value in set(explained):
            check_question(value, versus, self.network.classes)
        return explained


@dataclass(frozen=True, kw_only=True)
class FiltersQuestion(ClassQuestion[FilterExplanation]):
    """How much did each filter pair add to the class's logit?

    Exact: the contributions and the biases add up to the logit. A pair is a map that enters the last stage, and a
    filter of the last stage, both numbered from 0; for a single stage, a channel of the image and a filter. The picture
    frames the pair that adds most in red, the second in blue.
    """

    maps: Annotated[
        MapDetail | Literal["none", "totals", "full"],
        Field(description="`totals`: the contributions to all classes. `full`: the target's maps as well."),
    ] = MapDetail.NONE
    top: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_TOP,
            description="Rank only so many pairs, which add most in absolute value, and sum up the others. Not with "
            "`maps`.",
        ),
    ] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", chosen(MapDetail, "maps", self.maps))
        check_top(self.top)
        if self.top is not None and self.maps != MapDetail.NONE:
            raise ParameterError("top", "is not for maps, which are of all pairs; leave one of them out")
        super().__post_init__()

    @property
    def cost(self) -> Cost:
        architecture = self.network.architecture
        pairs = prod(architecture.pairs)
        listed = 5 * pairs if self.top is None else 4 * min(self.top, pairs)
        maps = pairs * architecture.cells if self.maps == MapDetail.FULL else 0
        totals = 0 if self.maps == MapDetail.NONE else pairs * architecture.classes
        return passes(architecture, listed + maps + totals)

    def answers(self, images: Array) -> list[FilterExplanation]:
        ledgers, versus, detail = contributions(self.network, images), self.classes[1], MapDetail(self.maps)
        each = zip(images, self.explained(ledgers.logits), strict=True)
        return [
            FilterExplanation.of(self.network, image, ledgers.of(number), target, versus, self.usage, detail, self.top)
            for number, (image, target) in enumerate(each)
        ]


@dataclass(frozen=True, kw_only=True)
class ProcessQuestion(ClassQuestion[Process]):
    """What happens on the way from the image to the prediction?

    The maps of each stage, what each filter pair adds to every class, the maps of the pairs for the target, and the
    winner. The picture is a slide for a lecture, after the paper's Fig. 2.
    """

    top: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_TOP,
            description="Maps of each stage, and pairs, that are shown at most: those that matter most to the target. "
            f"If absent {USUAL_TOP}, or fewer where the answer would be too large.",
        ),
    ] = None

    def __post_init__(self) -> None:
        check_top(self.top)
        super().__post_init__()

    @property
    def cost(self) -> Cost:
        architecture = self.network.architecture
        totals = prod(architecture.pairs) * architecture.classes
        return passes(architecture, process_numbers(architecture, self.top or usual_top(architecture)) + totals)

    def answers(self, images: Array) -> list[Process]:
        return [self._explained(image) for image in images]

    def _explained(self, image: Array) -> Process:
        trace, ledger = traced_contributions(self.network, image)
        [target] = self.explained(trace.logits[None])
        return Process.of(self.network, image, trace, ledger, target, self.classes[1], self.usage, self.top)


@dataclass(frozen=True, kw_only=True)
class OcclusionQuestion(ClassQuestion[OcclusionExplanation]):
    """Which regions of the image change the answer when they are hidden?

    Each region is hidden by itself, and the image is predicted again. The picture is a heatmap of the drops. It
    outlines the critical regions, whose hiding changes the prediction. With `pairs=true` it has a heatmap for each
    filter pair.
    """

    region: Annotated[
        int | tuple[int, ...] | None,
        Field(
            description="Side of a region in pixels, from 1 to half the image's side; if absent, as the model's "
            "`explains` says: 2 for images of up to 32 pixels a side, else 4."
        ),
    ] = None
    stride: Annotated[int | None, Field(description="1…region; the region's side, if absent.")] = None
    fill: Fill = 0.0
    score: Annotated[
        Score | Literal["logit", "probability"], Field(description="What is compared before and after hiding.")
    ] = Score.LOGIT
    pairs: Annotated[
        bool, Field(description="Add the drop of each filter pair's contribution. Not for a probability.")
    ] = False
    faithfulness: Faithful = False
    hiding: Hiding = field(init=False)

    def __post_init__(self) -> None:
        architecture = self.network.architecture
        regions = Regions(side_of(self.region) or usual_single_side(architecture), self.stride, architecture.side)
        object.__setattr__(self, "hiding", Hiding(regions, fill_of(self.fill)))
        object.__setattr__(self, "score", chosen(Score, "score", self.score))
        if self.pairs:
            check_pairs(self.network)
            if self.score != Score.LOGIT:
                raise ParameterError(
                    "pairs", "contributions add up to the logit; ask for score=logit, or without pairs"
                )
        orders_asked = orders(self.faithfulness)
        check_singles(architecture, regions, pairs=self.pairs, orders=orders_asked, budget=self.budget)
        super().__post_init__()

    @property
    def cost(self) -> Cost:
        return times(
            singles(self.network.architecture, self.hiding.regions, pairs=self.pairs), orders(self.faithfulness)
        )

    @property
    def is_cheap(self) -> bool:
        """Splitting the drops takes as long again."""
        return not self.pairs and super().is_cheap

    def answers(self, images: Array) -> list[OcclusionExplanation]:
        (target, versus), network, hiding, budget = self.classes, self.network, self.hiding, self.budget
        found, results = occlude(network, images, target, hiding, Score(self.score), versus, budget), []
        for number, image in enumerate(images):
            one, drops, measured = found.of(number), None, None
            explained = int(one.target)
            if self.pairs:
                drops = pair_drops(network, image, hiding, explained, versus, budget)
            if self.faithfulness:
                measured = faithfulness(network, image, hiding, one.order, explained, budget)
            results.append(OcclusionExplanation.of(network, image, one, versus, drops, measured))
        return results


@dataclass(frozen=True, kw_only=True)
class ShapleyQuestion(ClassQuestion[ShapleyExplanation]):
    """How much does each region of the image add to the class's logit?

    The Shapley value of a region is what it adds when it is shown, averaged over all orders of showing the
    regions. Exact over all combinations of hidden regions, without sampling. The picture is a heatmap of the values;
    with `pairs=true` a heatmap for each filter pair, with `interactions=true` the regions with lines between them.
    """

    region: Side = None
    fill: Fill = 0.0
    pairs: Annotated[bool, Field(description="Split the values by filter pairs.")] = False
    # Of whole regions, also with pairs.
    interactions: Annotated[
        bool,
        Field(description="Add how every two regions work together, or draw it; no picture shows `pairs` too."),
    ] = False
    faithfulness: Faithful = False
    hiding: Hiding = field(init=False)

    def __post_init__(self) -> None:
        architecture = self.network.architecture
        regions = Regions(side_of(self.region) or usual_side(architecture), side=architecture.side)
        object.__setattr__(self, "hiding", Hiding(regions, fill_of(self.fill)))
        if self.pairs:
            check_pairs(self.network)
        super().__post_init__()

    @property
    def cost(self) -> Cost:
        architecture, regions = self.network.architecture, self.hiding.regions
        found = tables(architecture, regions, pairs=self.pairs)
        if self.interactions:
            # Of every two regions at most: two places, and a value.
            found = replace(found, answer=found.answer + 5 * comb(regions.count, 2))
        return plus(found, times(singles(architecture, regions), orders(True))) if self.faithfulness else found

    @property
    def is_cheap(self) -> bool:
        """Never: tables of combinations take a millisecond however small they are."""
        return False

    def answers(self, images: Array) -> list[ShapleyExplanation]:
        return [self._explained(image) for image in images]

    def _explained(self, image: Array) -> ShapleyExplanation:
        network, hiding, versus = self.network, self.hiding, self.classes[1]
        logits = network.logits(image)
        [target] = self.explained(logits[None])
        found, split, together = explained_values(
            network, image, hiding, target, versus, pairs=self.pairs, interacting=self.interactions, budget=self.budget
        )
        values, measured = found.of(target, versus), None
        if self.faithfulness:
            measured = faithfulness(network, image, hiding, values.order, target, self.budget)
        return ShapleyExplanation(
            network=network,
            image=image,
            logits=logits,
            target=target,
            versus=versus,
            hiding=hiding,
            found=values,
            empty=found.empty,
            split=split,
            interactions=together,
            faithfulness=measured,
        )


@dataclass(frozen=True, kw_only=True)
class GroundsQuestion(Question[Grounds]):
    """Which regions prove the prediction, and which fewest change it?

    Proven for every combination of hidden regions, without sampling. With the sufficient regions visible, the class
    is kept under every hiding of the others; another set may be sufficient too. The picture outlines them, and strikes
    out a smallest set of regions whose hiding changes the class.
    """

    region: Side = None
    fill: Fill = 0.0
    hide: Annotated[
        Sequence[Position] | None,
        Field(
            description="Regions to hide, as row.column, to see what is predicted then: `2.3-4.5` hides two. The "
            "picture shows them in place of the contrast."
        ),
    ] = None
    # Whether the result has the logits under every hiding.
    tables: bool = False
    hiding: Hiding = field(init=False)

    def __post_init__(self) -> None:
        architecture = self.network.architecture
        regions = Regions(side_of(self.region) or usual_side(architecture, proofs=True), side=architecture.side)
        object.__setattr__(self, "hiding", Hiding(regions, fill_of(self.fill)))
        rows, columns = regions.grid
        if not all(0 <= row < rows and 0 <= column < columns for row, column in self.hide or ()):
            raise ParameterError("hide", f"must be regions of the grid, which has {rows} rows and {columns} columns")
        super().__post_init__()

    @property
    def cost(self) -> Cost:
        return tables(self.network.architecture, self.hiding.regions, listed=self.tables)

    @property
    def is_cheap(self) -> bool:
        """Never: the searches take what their budget allows."""
        return False

    def answers(self, images: Array) -> list[Grounds]:
        (region, fill), hide = (self.hiding.regions.region, self.hiding.fill), self.hide or ()
        return [
            grounds(self.network, image, region, fill, hide=hide, tables=self.tables, budget=self.budget)
            for image in images
        ]


def chosen(kinds: type[E], parameter: str, value: str) -> E:
    """The member of this value.

    Raises
    ------
    ParameterError
        There is none.
    """
    try:
        return kinds(value)
    except ValueError as error:
        *most, last = kinds
        raise ParameterError(parameter, f"must be {', '.join(most)} or {last}, not {value!r}") from error


def times(cost: Cost, count: int) -> Cost:
    """The cost of so many such questions, one after another, with one answer."""
    return Cost(cost.players, cost.rows * count, cost.multiply_adds * count, cost.size, cost.answer)


def plus(one: Cost, other: Cost) -> Cost:
    """The cost of two questions, one after the other."""
    return Cost(
        max(one.players, other.players),
        one.rows + other.rows,
        one.multiply_adds + other.multiply_adds,
        max(one.size, other.size),
        one.answer,
    )


def orders(faithful: bool) -> int:
    """How many orders of regions are followed, where the regions alone are one."""
    return 1 + 2 * (RANDOM_ORDERS + 1) if faithful else 1
