"""The six questions about an image, of a network: each for one image or for many."""

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache, wraps
from os import PathLike
from types import GenericAlias
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast, overload

import numpy as np
from rich.console import Console
from rich.progress import Progress
from threadpoolctl import ThreadpoolController

from konkyo import images
from konkyo.model import Model, of_checkpoint, of_network
from konkyo.models.errors import ParameterError
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding import regions
from konkyo.models.hiding.cost import USUAL, Budget
from konkyo.models.hiding.occlusion import OcclusionExplanation, Score
from konkyo.models.hiding.regions import FillKind
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.network import Network
from konkyo.models.question import (
    FiltersQuestion,
    GroundsQuestion,
    OcclusionQuestion,
    PredictQuestion,
    ProcessQuestion,
    Question,
    ShapleyQuestion,
)
from konkyo.models.result import Prediction, Result
from konkyo.models.steps import watched
from konkyo.results import Results

# What has weights that can be asked; the first knows most of its images.
AnyModel = Model | Checkpoint | Network
# Also a list or an array with one for each image.
Class = Any
# A side, or both of a square.
Side = int | tuple[int, ...] | None
_CLASSES = "target", "versus"
# A number in [0, 1] for all hidden pixels, also as an array in which it stands everywhere, or the name of what is made
# of the image itself.
Fill = Any
P = ParamSpec("P")
R = TypeVar("R", bound=Result)
E = TypeVar("E", bound=StrEnum)


class Asking(Protocol[P, R]):
    """A question of a network and an image. Of many images, given as a list or with an axis more, there are Results."""

    @overload
    def __call__(self, network: AnyModel, image: str | PathLike[str], *options: P.args, **named: P.kwargs) -> R: ...
    @overload
    def __call__(
        self, network: AnyModel, image: list[Any] | tuple[Any, ...], *options: P.args, **named: P.kwargs
    ) -> Results[R]: ...
    @overload
    def __call__(self, network: AnyModel, image: Any, *options: P.args, **named: P.kwargs) -> Any: ...


def asking(question: Callable[Concatenate[Model, P], Question[R]]) -> Asking[P, R]:
    """Make a function of a network and images of one that makes the question."""

    make: Callable[..., Question[R]] = question

    @wraps(question)
    def ask(network: AnyModel, image: Any, *options: P.args, **named: P.kwargs) -> R | Results[R]:
        model = _model(network)
        arrays, many = images.read(image, model.expected)
        images.check(arrays, model.expected, stack=2)
        said = signature.bind(model, *options, **named).arguments
        given = {name: _plain(value) if name in _CLASSES else value for name, value in said.items()}
        each = [name for name in _CLASSES if isinstance(given.get(name), list)]
        for name in each:
            if len(given[name]) != len(arrays):
                right = f"as many as the images, {len(arrays)}, not {len(given[name])}; one for all fits too"
                raise ParameterError(name, f"must be {right}")
        # The matrices are so small that threads of numpy wait longer than they work.
        with _libraries().limit(limits=1, user_api="blas"):
            if each:
                own = [given | {name: given[name][number] for name in each} for number in range(len(arrays))]
                questions = [make(**one) for one in own]
            else:
                questions = [make(**given)]
            parts = np.array_split(arrays, len(questions)) if each else [arrays]
            with _bar(questions[0].cost.multiply_adds * len(arrays)):
                results: Results[R] = Results()
                for one, part in zip(questions, parts, strict=True):
                    results += one.answers(part)
        return results if many else results[0]

    signature = inspect.signature(question, eval_str=True)
    first, *others = signature.parameters.values()
    given = inspect.Parameter("image", first.kind, annotation=Any)
    [result] = signature.return_annotation.__args__
    ask.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[first, given, *others], return_annotation=result | GenericAlias(Results, result)
    )
    return cast(Asking[P, R], ask)


@asking
def predict(network: Model, *, budget: Budget | None = USUAL) -> Question[Prediction]:
    """Which class is it?

    Parameters
    ----------
    network
        Of ``load`` or ``from_torch``.
    image
        One image of the network's shape, (side, side) or (3, side, side), with pixels in [0, 1]: an array, a tensor, or
        a picture of any size, of Pillow or by its path. Of many, as a list, an array with one axis more, a data set or
        a ``DataLoader`` of PyTorch, there are ``Results``. Labels beside images are left out.
    budget
        The multiply-adds and bytes that an image may take, ``konkyo.Budget(work, size)``; by default what the service
        allows, 4·10⁹ and 64 MiB. None for no limit. What takes longer than a second shows a bar in a terminal.

    Returns
    -------
    Prediction
        ``label``, ``predicted``, ``probability``; ``probabilities`` and ``logits`` (C,).

    Raises
    ------
    ImageError
        Of another shape, not in [0, 1], or not finite.
    ParameterError
        An image takes more than the budget.

    Examples
    --------
    >>> import konkyo
    >>> network = konkyo.load("paired-3x3")
    >>> konkyo.predict(network, "docs/digits/7.png")
    7 with 100.0 %
    >>> konkyo.predict(network, ["docs/digits/1.png", "docs/digits/2.png"])
    [1 with 100.0 %,
     2 with 100.0 %]
    """
    return PredictQuestion(network=network.network, budget=budget)


@asking
def filters(
    network: Model, target: Class = None, versus: Class = None, *, budget: Budget | None = USUAL
) -> Question[FilterExplanation]:
    """How much did each pair of a map and a filter of the last stage add to the logit of a class?

    ``logit = Σ contributions + Σ filter_bias + class_bias``, exactly.

    Parameters
    ----------
    network, image, budget
        As in ``predict``.
    target
        The class to explain, by name or number; by default the predicted one of each image. Of many images also one for
        each, such as a tensor of labels.
    versus
        The class to compare with: every number becomes the difference target − versus.

    Returns
    -------
    FilterExplanation
        ``contributions`` (maps, filters), ``maps`` (maps, filters, s, s), ``ranking``, ``logit``, ``filter_bias``
        (filters,), ``class_bias``, ``residual``, ``totals`` (C, maps, filters) and ``typicality``.

    Raises
    ------
    ImageError
        As in ``predict``.
    ParameterError
        There is no such class, or it is compared with itself.

    Examples
    --------
    >>> import konkyo
    >>> why = konkyo.filters(konkyo.load("paired-3x3"), "docs/digits/7.png")
    >>> why.contributions.shape
    (3, 3)
    >>> bool(abs(why.contributions.sum() + why.filter_bias.sum() + why.class_bias - why.logit) < 1e-12)
    True
    """
    return FiltersQuestion(network=network.network, budget=budget, usage=network.usage, target=target, versus=versus)


@asking
def process(
    network: Model,
    target: Class = None,
    versus: Class = None,
    *,
    top: int | None = None,
    budget: Budget | None = USUAL,
) -> Question[Process]:
    """What happens on the way from the image to the prediction?

    Parameters
    ----------
    network, image, target, versus, budget
        As in ``filters``.
    top
        Maps of a layer, and pairs, that are shown at most, 1 to 256; by default 32, or fewer in large networks.

    Returns
    -------
    Process
        ``trace`` with the maps of every layer; ``contributions`` (C, maps, filters); the shown ``pairs`` (P, 2) and
        their ``maps`` (P, s, s); ``typicality``, ``unlike``.

    Raises
    ------
    ImageError, ParameterError
        As in ``filters``, or ``top`` out of range.

    Examples
    --------
    >>> import konkyo
    >>> why = konkyo.process(konkyo.load("paired-3x3"), "docs/digits/7.png")
    >>> [layer.shape for layer in why.trace.layers]
    [(3, 12, 12), (9, 5, 5)]
    """
    return ProcessQuestion(
        network=network.network, budget=budget, usage=network.usage, target=target, versus=versus, top=top
    )


@asking
def occlusion(
    network: Model,
    target: Class = None,
    versus: Class = None,
    *,
    region: Side = None,
    stride: int | None = None,
    fill: Fill = 0.0,
    score: Literal["logit", "probability"] = "logit",
    pairs: bool = False,
    faithfulness: bool = False,
    budget: Budget | None = USUAL,
) -> Question[OcclusionExplanation]:
    """Which regions change the answer when they are hidden, each by itself?

    Parameters
    ----------
    network, image, target, versus, budget
        As in ``filters``.
    region
        The side of the squares in pixels, 4 or (4, 4); by default 2, for images of more than 32 pixels a side 4.
    stride
        From one square to the next; by default they do not overlap.
    fill
        What hidden pixels become: a number in [0, 1]; ``background``, for each channel the median of the border; or
        ``blur``, the image under a Gaussian of an eighth of its side. A baseline of Captum, such as a tensor of zeros,
        fits where all of its numbers are the same.
    score
        What is compared before and after hiding.
    pairs
        Whether the drops are split by pair of a map and a filter of the last stage.
    faithfulness
        Whether the explanation is compared with random orders.

    Returns
    -------
    OcclusionExplanation
        ``drop`` (R, R): how much the score falls when the region is hidden; ``prediction`` and ``critical`` (R, R);
        ``heatmap()`` (side, side), as Captum's ``Occlusion``; ``pairs`` (R, R, maps, filters).

    Raises
    ------
    ImageError, ParameterError
        As in ``filters``, or regions that the image does not have or that take too much work.

    Examples
    --------
    >>> import konkyo
    >>> why = konkyo.occlusion(konkyo.load("paired-3x3"), "docs/digits/7.png", region=7)
    >>> why.drop.shape, why.heatmap().shape
    ((4, 4), (28, 28))
    """
    return OcclusionQuestion(
        network=network.network,
        budget=budget,
        usage=network.usage,
        target=target,
        versus=versus,
        region=_side(region),
        stride=stride,
        fill=_fill(fill),
        score=_choice(Score, "score", score),
        pairs=pairs,
        faithfulness=faithfulness,
    )


@asking
def shapley(
    network: Model,
    target: Class = None,
    versus: Class = None,
    *,
    region: Side = None,
    fill: Fill = 0.0,
    pairs: bool = False,
    interactions: bool = False,
    faithfulness: bool = False,
    budget: Budget | None = USUAL,
) -> Question[ShapleyExplanation]:
    """How much does each region add to the logit of a class, over every combination of hidden regions?

    Exact Shapley values: nothing is sampled. They sum to the logit of the image minus that of the empty image.

    Parameters
    ----------
    network, image, target, versus
        As in ``filters``.
    region
        The side of the squares in pixels; by default the smallest that is exact in little time, 4 of 28×28.
    fill, pairs, faithfulness
        As in ``occlusion``.
    interactions
        Whether to find how every two regions work together.

    Returns
    -------
    ShapleyExplanation
        ``values`` (R, R), ``logit``, ``empty``, ``residual``; ``heatmap()`` (side, side); ``pairs``
        (R, R, maps, filters); ``interactions.values`` (R², R²).

    Raises
    ------
    ImageError, ParameterError
        As in ``occlusion``.

    Examples
    --------
    >>> import konkyo
    >>> why = konkyo.shapley(konkyo.load("paired-3x3"), "docs/digits/7.png")
    >>> why.values.shape, bool(abs(why.residual) < 1e-12)
    ((7, 7), True)
    """
    return ShapleyQuestion(
        network=network.network,
        budget=budget,
        usage=network.usage,
        target=target,
        versus=versus,
        region=_side(region),
        fill=_fill(fill),
        pairs=pairs,
        interactions=interactions,
        faithfulness=faithfulness,
    )


@asking
def grounds(
    network: Model, *, region: Side = None, fill: Fill = 0.0, budget: Budget | None = USUAL
) -> Question[Grounds]:
    """Which regions prove the prediction, and which fewest change it?

    Both are proven over every combination of hidden regions.

    Parameters
    ----------
    network, image, budget
        As in ``predict``; the searches have limits of their own. Of many images, one without grounds raises; ask one by
        one then.
    region, fill
        As in ``shapley``; by default larger regions in colour.

    Returns
    -------
    Grounds
        ``sufficient.regions`` with which the class stays whatever else is hidden, ``contrast.regions`` whose hiding
        changes it, each as (row, column); ``players``, ``empty``.

    Raises
    ------
    ImageError, ParameterError
        As in ``shapley``.
    BudgetError
        The search takes more work than is allowed; ask with a larger region.

    Examples
    --------
    >>> import konkyo
    >>> why = konkyo.grounds(konkyo.load("paired-3x3"), "docs/digits/7.png")
    >>> why.sufficient.status.value, len(why.sufficient.regions), len(why.players)
    ('smallest', 4, 20)
    """
    return GroundsQuestion(network=network.network, budget=budget, region=_side(region), fill=_fill(fill))


@contextmanager
def _bar(multiply_adds: int) -> Iterator[None]:
    """A bar of the work that is done, from the second second on, in a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    begun, did = time.monotonic(), 0
    bar = Progress(console=console, transient=True)
    task = bar.add_task("explaining", total=multiply_adds)

    def show(work: int) -> None:
        nonlocal did
        did += work
        if not bar.live.is_started and time.monotonic() - begun > 1:
            bar.start()
        if bar.live.is_started:
            bar.update(task, completed=did)

    try:
        with watched(show):
            yield
    finally:
        bar.stop()


@cache
def _libraries() -> ThreadpoolController:
    """Those that multiply in this process; to find them takes longer than most answers."""
    return ThreadpoolController()


def _model(network: AnyModel) -> Model:
    if isinstance(network, Checkpoint):
        return of_checkpoint(network)
    if isinstance(network, Network):
        return of_network(network)
    if not isinstance(network, Model):
        raise TypeError(
            f"the first argument must be a network, of konkyo.load or konkyo.from_torch, not {type(network).__name__}"
        )
    return network


def _plain(value: Any) -> Any:
    """A class as text, number or None; of several a list of these. Tensors and arrays hold them as they have them."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _side(region: Side) -> int | None:
    if not isinstance(region, tuple):
        return region
    if len(region) != 2 or region[0] != region[1]:
        raise ParameterError("region", f"must be square, a side such as 4 or (4, 4), not {region}")
    return region[0]


def _fill(fill: Fill) -> regions.Fill:
    if isinstance(fill, str):
        return _choice(FillKind, "fill", fill)
    if isinstance(fill, int | float):
        return fill
    values = np.asarray(_plain(fill))
    if values.dtype.kind not in "fiu" or not values.size or (values != values.flat[0]).any():
        given = f"an array of shape {values.shape} with several values" if values.size > 1 else type(fill).__name__
        right = f"{regions.FILLS}; an array fits where it holds one number for all pixels"
        raise ParameterError("fill", f"must be {right}. It is {given}")
    return float(values.flat[0])


def _choice(kinds: type[E], parameter: str, value: str) -> E:
    try:
        return kinds(value)
    except ValueError as error:
        right = regions.FILLS if kinds is FillKind else " or ".join(kinds)
        raise ParameterError(parameter, f"must be {right}, not {value!r}") from error
