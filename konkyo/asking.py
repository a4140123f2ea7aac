"""The six questions about an image, of a network: each for one image or for many.

What each asks, its options and what is said of them are those of its question, ``models/question.py``.
"""

import inspect
import re
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from os import PathLike
from types import GenericAlias
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, get_args, overload

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
from konkyo.models.hiding.cost import USUAL
from konkyo.models.hiding.occlusion import OcclusionExplanation
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

__all__ = [
    "FilterExplanation",
    "Grounds",
    "OcclusionExplanation",
    "Prediction",
    "Process",
    "Results",
    "ShapleyExplanation",
    "filters",
    "grounds",
    "occlusion",
    "predict",
    "process",
    "shapley",
]

# What has weights that can be asked; the first knows most of its images.
AnyModel = Model | Checkpoint | Network
_CLASSES = "target", "versus"
P = ParamSpec("P")
R = TypeVar("R", bound=Result)

_FIRST = {
    "network": "Of `load` or `from_torch`.",
    "image": "One image of the network's shape, (side, side) or (3, side, side), with pixels in [0, 1]: an array, a "
    "tensor, or a picture of any size, of Pillow or by its path. Of many, as a list, an array with one axis more, a "
    "data set or a `DataLoader` of PyTorch, there are `Results`. Labels beside images are left out.",
}
_LAST = {
    "budget": "The multiply-adds and bytes that an image may take, `konkyo.Budget(work, size)`; by default what the "
    f"service allows, {USUAL.work // 10**9}·10⁹ and {USUAL.size // 2**20} MiB. None for no limit. What takes longer "
    "than a second shows a bar in a terminal.",
}
# What is said of an option in Python beside its description.
_ALSO = {
    "target": "Of many images also one for each, such as a tensor of labels.",
    "region": "Also both sides of a square, (4, 4).",
    "fill": "A baseline of Captum, such as a tensor of zeros, fits where all of its numbers are the same.",
    "hide": "Here as pairs, [(2, 3), (4, 5)].",
    "maps": "That is, of `to_dict()`: the result has all of them.",
}
_RAISES = """
Raises
------
ImageError
    Not of the network's shape, not in [0, 1], or not finite.
ParameterError
    There is no such class, an option is out of range or does not fit the network, or an image takes more than the
    budget.
"""


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


def asking(
    name: str, question: Callable[Concatenate[Network, P], Question[R]], result: type[R], said: str
) -> Asking[P, R]:
    """The function of a network and images that asks a question.

    Parameters
    ----------
    name
        Of the function.
    question
        Its class.
    result
        The type of its results.
    said
        What a result has, errors of this question alone, and an example, with lines of dots in between.
    """
    asks = cast(type[Question[R]], question)
    options, of = asks.options(), inspect.signature(asks).parameters
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(one, kinds[0]) for one in _FIRST]
    for option, about in options.items():
        default = about.default.value if isinstance(about.default, Enum) else about.default
        kind = get_args(about.kind)[0]
        parameters.append(inspect.Parameter(option, of[option].kind, default=default, annotation=kind))
    parameters.append(of["budget"])

    def ask(*positional: Any, **named: Any) -> R | Results[R]:
        given = signature.bind(*positional, **named).arguments
        model = _model(given.pop("network"))
        arrays, many = images.read(given.pop("image"), model.expected)
        images.check(arrays, model.expected, stack=2)
        given |= {one: _plain(given[one]) for one in _CLASSES if one in given}
        each = [one for one in _CLASSES if isinstance(given.get(one), list)]
        for one in each:
            if len(given[one]) != len(arrays):
                right = f"as many as the images, {len(arrays)}, not {len(given[one])}; one for all fits too"
                raise ParameterError(one, f"must be {right}")
        # The matrices are so small that threads of numpy wait longer than they work.
        with _libraries().limit(limits=1, user_api="blas"):
            own = [{one: given[one][number] for one in each} for number in range(len(arrays) if each else 1)]
            questions = [asks(model.network, usage=model.usage, **(given | classes)) for classes in own]
            parts = np.array_split(arrays, len(questions)) if each else [arrays]
            with _bar(questions[0].cost.multiply_adds * len(arrays)):
                results: Results[R] = Results()
                for question, part in zip(questions, parts, strict=True):
                    results += question.answers(part)
        return results if many else results[0]

    signature = inspect.Signature(parameters, return_annotation=result | GenericAlias(Results, result))
    ask.__signature__ = signature  # type: ignore[attr-defined]
    ask.__name__ = ask.__qualname__ = name
    described = {option: f"{about.about} {_ALSO.get(option, '')}" for option, about in options.items()}
    ask.__doc__ = _docstring(inspect.getdoc(asks) or "", {**_FIRST, **described, **_LAST}, said)
    return cast(Asking[P, R], ask)


def _docstring(about: str, parameters: dict[str, str], said: str) -> str:
    """As numpydoc has it; code is quoted once in HTTP's Markdown, and twice here."""
    wrapped = textwrap.TextWrapper(112, initial_indent="    ", subsequent_indent="    ")
    listed = "\n".join(f"{name}\n{wrapped.fill(text)}" for name, text in parameters.items())
    text = re.sub(r"`([^`]+)`", r"``\1``", f"{about}\n\nParameters\n----------\n{listed}")
    returns, raises, examples = said.split("...\n")
    return f"{text}\n\nReturns\n-------\n{returns}{_RAISES}{raises}\nExamples\n--------\n>>> import konkyo\n{examples}"


predict = asking(
    "predict",
    PredictQuestion,
    Prediction,
    """\
Prediction
    ``label``, ``predicted``, ``probability``; ``probabilities`` and ``logits`` (C,).
...
...
>>> network = konkyo.load("paired-3x3")
>>> konkyo.predict(network, "docs/digits/7.png")
7 with 100.0 %
>>> konkyo.predict(network, ["docs/digits/1.png", "docs/digits/2.png"])
[1 with 100.0 %,
 2 with 100.0 %]
""",
)

filters = asking(
    "filters",
    FiltersQuestion,
    FilterExplanation,
    """\
FilterExplanation
    ``logit = Σ contributions + Σ filter_bias + class_bias``, exactly: ``contributions`` (maps, filters), ``maps``
    (maps, filters, s, s), ``ranking``, ``logit``, ``filter_bias`` (filters,), ``class_bias``, ``residual``, ``totals``
    (C, maps, filters) and ``typicality``.
...
...
>>> why = konkyo.filters(konkyo.load("paired-3x3"), "docs/digits/7.png")
>>> why.contributions.shape
(3, 3)
>>> bool(abs(why.contributions.sum() + why.filter_bias.sum() + why.class_bias - why.logit) < 1e-12)
True
""",
)

process = asking(
    "process",
    ProcessQuestion,
    Process,
    """\
Process
    ``trace`` with the maps of every layer; ``contributions`` (C, maps, filters); the shown ``pairs`` (P, 2) and their
    ``maps`` (P, s, s); ``typicality``, ``unlike``.
...
...
>>> why = konkyo.process(konkyo.load("paired-3x3"), "docs/digits/7.png")
>>> [layer.shape for layer in why.trace.layers]
[(3, 12, 12), (9, 5, 5)]
""",
)

occlusion = asking(
    "occlusion",
    OcclusionQuestion,
    OcclusionExplanation,
    """\
OcclusionExplanation
    ``drop`` (R, R): how much the score falls when the region is hidden; ``prediction`` and ``critical`` (R, R);
    ``heatmap()`` (side, side), as Captum's ``Occlusion``; ``pairs`` (R, R, maps, filters).
...
...
>>> why = konkyo.occlusion(konkyo.load("paired-3x3"), "docs/digits/7.png", region=7)
>>> why.drop.shape, why.heatmap().shape
((4, 4), (28, 28))
""",
)

shapley = asking(
    "shapley",
    ShapleyQuestion,
    ShapleyExplanation,
    """\
ShapleyExplanation
    ``values`` (R, R), which sum to the ``logit`` of the image minus that of the ``empty`` image; ``residual``;
    ``heatmap()`` (side, side); ``pairs`` (R, R, maps, filters); ``interactions.values`` (R², R²).
...
...
>>> why = konkyo.shapley(konkyo.load("paired-3x3"), "docs/digits/7.png")
>>> why.values.shape, bool(abs(why.residual) < 1e-12)
((7, 7), True)
""",
)

grounds = asking(
    "grounds",
    GroundsQuestion,
    Grounds,
    """\
Grounds
    ``sufficient.regions`` with which the class stays whatever else is hidden, ``contrast.regions`` whose hiding changes
    it, each as (row, column); ``players``, ``empty``.
...
BudgetError
    The search, which has limits of its own, takes more work than is allowed; ask with a larger region. Of many images,
    one without grounds raises; ask one by one then.
...
>>> why = konkyo.grounds(konkyo.load("paired-3x3"), "docs/digits/7.png")
>>> why.sufficient.status.value, len(why.sufficient.regions), len(why.players)
('smallest', 4, 20)
""",
)


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
