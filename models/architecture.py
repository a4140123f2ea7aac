"""The architecture of a network: a list of stages and a head (docs/mathematics.md, 1). It holds no weights."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.activations import activation
from konkyo.models.classes import FEWEST, MOST
from konkyo.models.errors import ArchitectureError

IMAGE_SIDE = 28
CHANNELS = 1, 3
# What is read from files is bounded before anything is made of it. Within these bounds, cost decides (hiding/cost.py).
SIDES = range(8, 225)
MAX_STAGES = 128
MAX_FILTERS = 2048
MAX_STRIDE = 4
MAX_POOL = 4
MAX_MAPS = 4096
MAX_HIDDEN = 3
MAX_WIDTH = 4096
MAX_CLASSES = MOST


class Wiring(StrEnum):
    """How a stage combines its input maps. The paper leaves this open for its second convolution.

    ``SUMMED`` is an ordinary convolution: filter j has one kernel for each input map of its group and adds up the
    responses. ``PAIRED``: filter j has one kernel, which is applied to each input map by itself. Each pair (i, j) has
    its own map.
    """

    SUMMED = "summed"
    PAIRED = "paired"


class Factor(StrEnum):
    """What an activation's output is split by among the pairs (``konkyo.models.activations.Activation.factor``).

    A ``GATE`` where the ledger is the network's local linear map: with ReLU and leaky ReLU. Elsewhere it is the slope
    of a ``SECANT``, the line from f(0) to f(z): the sum is exact, but the slope is not the gradient's.
    """

    GATE = "gate"
    SECANT = "secant"


class PoolKind(StrEnum):
    """What a pool makes of the cells that it sees."""

    MAX = "max"
    MEAN = "mean"


@dataclass(frozen=True)
class Pool:
    """A pool over squares of cells. It drops rows and columns that no whole square covers.

    Parameters
    ----------
    side
        Of the square, 2 to 4; or that of the whole map, which is global pooling.
    stride
        From one square to the next; the side by default.
    kind
        ``max`` or ``mean``.
    """

    side: int = 2
    stride: int = 0
    kind: PoolKind = PoolKind.MAX

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", self.stride or self.side)


@dataclass(frozen=True)
class Stage:
    """Convolution → activation → pool → activation.

    Parameters
    ----------
    filters
        Number of filters; 1 without a convolution.
    kernel
        Side of the square filters, in cells of the layer below; 0 for no convolution.
    padding
        Cells of padding before the first row and column, and behind the last ones if nothing else is said.
    pool
        The pool; None for none.
    wiring
        How the input maps are combined.
    bias
        Whether the filters have a bias.
    stride
        From one convolution to the next, in cells of the layer below.
    padding_behind
        Cells of padding behind the last row and column, where it differs. A negative number leaves cells out.
    groups
        In how many groups, one after another, the input maps and the filters are divided: a filter sees the maps of its
        group. As many as input maps is depthwise.
    bias_map
        Whether a filter's bias differs from cell to cell: batch normalisation before padding is folded into one.
    activation
        Before the pool, as ``konkyo.models.activations`` spells it.
    after
        Behind the pool.
    sources
        The layers, by number, whose maps are added up to be the input; by default the layer before.
    """

    filters: int
    kernel: int
    padding: int = 0
    pool: Pool | None = Pool()
    wiring: Wiring = Wiring.SUMMED
    bias: bool = True
    stride: int = 1
    padding_behind: int | None = None
    groups: int = 1
    bias_map: bool = False
    activation: str = "relu"
    after: str = "none"
    sources: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.padding_behind == self.padding:
            object.__setattr__(self, "padding_behind", None)

    @cached_property
    def behind(self) -> int:
        """Cells of padding behind the last row and column."""
        return self.padding if self.padding_behind is None else self.padding_behind

    @cached_property
    def padded(self) -> bool:
        """Whether a cell sees padding."""
        return self.padding > 0 or self.behind > 0

    @cached_property
    def mean(self) -> bool:
        """Whether its pool takes the mean."""
        return self.pool is not None and self.pool.kind is PoolKind.MEAN

    @cached_property
    def places(self) -> int:
        """Side of the square of places of its pool; 1 without a pool."""
        return self.pool.side if self.pool else 1

    @cached_property
    def step(self) -> int:
        """Distance of neighbouring output cells, in cells of the layer below."""
        return self.stride * (self.pool.stride if self.pool else 1)

    @cached_property
    def width(self) -> int:
        """Side of the square that an output cell sees, in cells of the layer below."""
        return self.stride * (self.places - 1) + max(self.kernel, 1)

    @cached_property
    def paired(self) -> bool:
        """Whether each input map is treated by itself, with the same filters."""
        return self.wiring is Wiring.PAIRED or not self.kernel

    @cached_property
    def commutes(self) -> bool:
        """Whether the activation may be taken behind the pool, once for a cell."""
        before = activation(self.activation)
        return self.pool is None or (before.name == "none" if self.mean else before.rises)

    def sides(self, side: int) -> tuple[int, int]:
        """Side of the convolution's output and of the stage's output, for a side of the layer below."""
        convolved = (side + self.padding + self.behind - max(self.kernel, 1)) // self.stride + 1
        return convolved, (convolved - self.pool.side) // self.pool.stride + 1 if self.pool else convolved


@dataclass(frozen=True)
class Architecture:
    """Image → stages → head: flatten, hidden affine layers with an activation, and the affine layer of the classes.

    *Layers* are counted from the image, which is layer 0; layer n is the output of stage n. A stage's number in arrays
    is counted from 0, for people from 1.

    Parameters
    ----------
    stages
        From the image to the head, 1 to 128.
    side
        Side of the image in pixels, 8 to 224.
    channels
        1 for grey images, 3 for colour.
    hidden
        Outputs of each hidden affine layer, at most three.
    classes
        Number of classes.
    activation
        Behind each hidden affine layer.

    Raises
    ------
    ArchitectureError
        A count or side out of range, or a stage without an output. The message names the limit.
    """

    stages: tuple[Stage, ...]
    side: int = IMAGE_SIDE
    channels: int = 1
    hidden: tuple[int, ...] = ()
    classes: int = 10
    activation: str = "relu"
    # Side and number of maps of each layer, filled in while the stages are checked.
    sides: tuple[int, ...] = field(init=False, compare=False, repr=False)
    layer_maps: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _within("the image's side", self.side, SIDES[0], SIDES[-1])
        if self.channels not in CHANNELS:
            raise ArchitectureError(f"channels must be 1 or 3, not {self.channels}")
        _within("the number of stages", len(self.stages), 1, MAX_STAGES)
        _within("the number of hidden affine layers", len(self.hidden), 0, MAX_HIDDEN)
        for width in self.hidden:
            _within("the width of a hidden affine layer", width, 1, MAX_WIDTH)
        _within("the number of classes", self.classes, FEWEST, MAX_CLASSES)
        activation(self.activation)
        sides, maps = [self.side], [self.channels]
        for number, stage in enumerate(self.stages, 1):
            self._check(number, stage, sides, maps)
        object.__setattr__(self, "sides", tuple(sides))
        object.__setattr__(self, "layer_maps", tuple(maps))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # It is asked for with every look-up of what is kept for an architecture.
        return hash((self.stages, self.side, self.channels, self.hidden, self.classes, self.activation))

    def _check(self, number: int, stage: Stage, sides: list[int], maps: list[int]) -> None:
        """Check a stage on the layers below, and add its side and maps to them."""
        name = f"stage {number}"
        sources = stage.sources or (number - 1,)
        for source in sources:
            _within(f"{name}'s source", source, 0, number - 1)
        side, below = sides[sources[0]], maps[sources[0]]
        if {sides[source] for source in sources} != {side} or {maps[source] for source in sources} != {below}:
            raise ArchitectureError(f"{name} adds up layers of different sides or numbers of maps")
        activation(stage.activation)
        activation(stage.after)
        _within(f"{name}'s kernel", stage.kernel, 0, SIDES[-1])
        _within(f"{name}'s filters", stage.filters, 1, MAX_FILTERS)
        if not stage.kernel and stage.filters > 1:
            raise ArchitectureError(f"{name} has no convolution and {stage.filters} filters; without one it has 1")
        _within(f"{name}'s stride", stage.stride, 1, MAX_STRIDE)
        _within(f"{name}'s padding", stage.padding, 0, max(stage.kernel, 1) - 1)
        _within(f"{name}'s padding behind", stage.behind, 1 - side, max(stage.kernel, 1) - 1)
        _within(f"{name}'s groups", stage.groups, 1, 1 if stage.paired else below)
        if below % stage.groups or stage.filters % stage.groups:
            raise ArchitectureError(
                f"{name}'s groups must divide its {below} input maps and its {stage.filters} filters, and "
                f"{stage.groups} do not"
            )
        convolved, output = stage.sides(side)
        if stage.pool is not None and convolved > 0:
            _within(f"the side of {name}'s pool", stage.pool.side, 2, max(MAX_POOL, convolved))
            if MAX_POOL < stage.pool.side != convolved:
                raise ArchitectureError(
                    f"the side of {name}'s pool must be from 2 to {MAX_POOL}, or {convolved} for the whole map, not "
                    f"{stage.pool.side}"
                )
            _within(f"the stride of {name}'s pool", stage.pool.stride, 1, stage.pool.side)
        if min(convolved, output) < 1:
            raise ArchitectureError(f"{name} leaves nothing of a side of {side}; a smaller kernel or no pool would do")
        sides.append(output)
        maps.append(stage.filters * (below if stage.paired else 1))
        _within(f"{name}'s maps", maps[-1], 1, MAX_MAPS)

    def sources(self, stage: int) -> tuple[int, ...]:
        """The layers whose maps, added up, are a stage's input."""
        return self.stages[stage].sources or (stage,)

    def below(self, stage: int) -> tuple[int, int]:
        """(maps, side) of a stage's input."""
        source = self.sources(stage)[0]
        return self.layer_maps[source], self.sides[source]

    def groups(self, stage: int) -> tuple[int, int, int]:
        """(G, I, F): a stage's groups, the input maps of each, and the filters that each of these maps meets."""
        given, (maps, _) = self.stages[stage], self.below(stage)
        if given.paired:
            return maps, 1, given.filters
        return given.groups, maps // given.groups, given.filters // given.groups

    @cached_property
    def fine(self) -> "Architecture":
        """The same without the mean pool at its end, if it has one: that pool is linear, and belongs to the head.

        Its last layer has a cell for each place of the pool, which sees fewer regions.
        """
        *front, last = self.stages
        if not last.mean or last.after != "none":
            return self
        return replace(self, stages=(*front, replace(last, pool=None)))

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(side, side) for grey images, (3, side, side) for colour."""
        return (self.side,) * 2 if self.channels == 1 else (self.channels, self.side, self.side)

    @property
    def maps(self) -> int:
        """Number of maps that reach the head. With paired wiring pair (i, j) is map i·B + j."""
        return self.layer_maps[-1]

    @property
    def pairs(self) -> tuple[int, int]:
        """(A, B): the maps that enter the last stage, and the filters that each of them meets."""
        groups, inputs, filters = self.groups(len(self.stages) - 1)
        return groups * inputs, filters

    @property
    def map_grid(self) -> tuple[int, int]:
        """The maps that reach the head, as a grid: (1, B) summed, (A, B) paired."""
        groups, _, filters = self.groups(len(self.stages) - 1)
        return groups, filters

    @property
    def factor(self) -> Factor:
        """What the outputs of the last stage's and the head's activations are split by."""
        return Factor.SECANT if self.secants else Factor.GATE

    @property
    def secants(self) -> tuple[str, ...]:
        """Of these activations those of which it is a secant, as people call them."""
        last = self.stages[-1]
        names = [last.activation, last.after, *([self.activation] if self.hidden else [])]
        return tuple(activation(name).words for name in dict.fromkeys(names) if not activation(name).gate)

    @property
    def cells(self) -> int:
        """Number of cells of a pair's map. Where a mean pool ends the last stage, these are the places of the pool."""
        return self.fine.sides[-1] ** 2

    @property
    def features(self) -> int:
        """Number of values that reach the head."""
        return self.maps * self.sides[-1] ** 2

    @cached_property
    def head(self) -> tuple[tuple[str, int, int], ...]:
        """(name, outputs, inputs) of each affine layer."""
        sizes = (self.features, *self.hidden, self.classes)
        names = [*(f"hidden{number}" for number in range(1, len(self.hidden) + 1)), "affine"]
        return tuple((name, out, into) for name, (into, out) in zip(names, pairwise(sizes), strict=True))

    @cached_property
    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights in a checkpoint."""
        shapes: dict[str, tuple[int, ...]] = {}
        for number, stage in enumerate(self.stages):
            if not stage.kernel:
                continue
            maps, side = self.below(number)
            inputs = 1 if stage.paired else maps // stage.groups
            shapes[f"conv{number + 1}.weight"] = (stage.filters, inputs, stage.kernel, stage.kernel)
            if stage.bias:
                cells = (stage.sides(side)[0],) * 2 if stage.bias_map else ()
                shapes[f"conv{number + 1}.bias"] = (stage.filters, *cells)
        for name, outputs, inputs in self.head:
            shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
        return shapes

    @property
    def parameters(self) -> int:
        """Number of weights and biases: 2,368 for paired 3×3, 922 for summed 3×3, 5,046 for LeNet's 6 and 16."""
        return sum(map(prod, self.tensor_shapes.values()))

    @cached_property
    def multiply_adds(self) -> int:
        """Number of multiply-adds of one forward pass, without biases: 53,550 for paired 3×3."""
        total = sum(outputs * inputs for _, outputs, inputs in self.head)
        for number, stage in enumerate(self.stages):
            groups, inputs, filters = self.groups(number)
            total += stage.sides(self.below(number)[1])[0] ** 2 * stage.kernel**2 * groups * inputs * filters
        return total

    def line(self, stage: int) -> NDArray[np.intp]:
        """(width, outputs): the rows of cells below that each row of a stage's cells sees. The same for columns.

        Padding is the row behind the last.
        """
        given, (_, side) = self.stages[stage], self.below(stage)
        along = given.step * np.arange(self.sides[stage + 1]) - given.padding + np.arange(given.width)[:, None]
        return np.where((along >= 0) & (along < side), along, side)

    def near(self, stage: int) -> NDArray[np.intp]:
        """(width², outputs): the cells below that each of a stage's cells sees, as flat indices in a map.

        Padding is the cell behind the last.
        """
        return _near(self, stage)

    def sight(self, layer: int) -> NDArray[np.bool_]:
        """(side of the layer, side): the pixel rows that each row of a layer's cells sees. The same for columns."""
        return _sight(self, layer)


def two_stages(
    wiring: Wiring,
    first: int,
    second: int,
    kernels: tuple[int, int] = (5, 3),
    bias: bool = True,
    classes: int = 10,
) -> Architecture:
    """The network of section 2.1: two stages with pools and without padding, a head without hidden layers, 28×28.

    Parameters
    ----------
    wiring
        Of the second stage.
    first, second
        Number of filters of each stage, A and B in docs/mathematics.md; 3 and 3 in the paper.
    kernels
        Side of the filters of each.
    bias
        Whether the filters of the second stage have a bias.
    classes
        Number of classes.

    Raises
    ------
    ArchitectureError
        As ``Architecture``.
    """
    stages = Stage(first, kernels[0]), Stage(second, kernels[1], wiring=wiring, bias=bias)
    return Architecture(stages, classes=classes)


STAGES_SYNTAX = (
    "FILTERS k KERNEL, then p PADDING where there is any, n without a pool, q for paired wiring, u without bias; "
    "stages are separated by commas, such as 16k5p2,32k5p2"
)
# What else a stage may have; the documents list it.
_NUMBERS = r"\d{1,4}"
_STAGE = re.compile(
    rf"({_NUMBERS})k({_NUMBERS})((?:[a-z](?:\d{{1,4}}(?:-?-\d{{1,4}})?)?)*)((?::[a-z0-9.=-]{{1,24}}){{0,2}})((?:\+\d{{1,3}})*)",
    re.ASCII,
)
_MARK = re.compile(r"([a-z])(\d{1,4})?(?:-(-?\d{1,4}))?", re.ASCII)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """The stages that a text such as ``16k5p2,32k3nq`` describes; see ``STAGES_SYNTAX``.

    ``s2`` is a stride, ``p0-1`` padding before and behind, ``g4`` groups, ``m3`` and ``a2`` a max or mean pool, with
    a stride as in ``m3-2``, ``b`` a bias for each cell; ``:tanh`` an activation, a second one stands behind the pool;
    ``+2+4`` adds up these layers; ``1k0`` has no convolution.

    Raises
    ------
    ArchitectureError
        One of them is spelled otherwise. Whether they make a network is for ``Architecture`` to say.
    """
    return tuple(_stage(number, spelled.strip()) for number, spelled in enumerate(text.split(","), 1))


def _stage(number: int, spelled: str) -> Stage:
    match = _STAGE.fullmatch(spelled)
    options: dict[str, Any] = {}
    marks = [] if match is None else [mark.groups() for mark in _MARK.finditer(match[3])]
    letters = [letter for letter, *_ in marks]
    if match is None or len({*letters}) < len(letters) or len({"n", "m", "a"} & {*letters}) > 1:
        raise ArchitectureError(f"stage {number} is {spelled!r}; write {STAGES_SYNTAX}")
    for letter, first, second in marks:
        counted = letter in "pgsma"
        if letter not in "nqubpgsma" or (first is None) == counted or (second is not None and letter not in "pma"):
            raise ArchitectureError(f"stage {number} is {spelled!r}; write {STAGES_SYNTAX}")
        if letter == "p":
            options |= {"padding": int(first), "padding_behind": None if second is None else int(second)}
        elif letter in "ma":
            kind = PoolKind.MAX if letter == "m" else PoolKind.MEAN
            options["pool"] = Pool(int(first), int(second or 0), kind)
        else:
            of_mark: dict[str, dict[str, Any]] = {
                "n": {"pool": None},
                "q": {"wiring": Wiring.PAIRED},
                "u": {"bias": False},
                "b": {"bias_map": True},
                "g": {"groups": int(first or 1)},
                "s": {"stride": int(first or 1)},
            }
            options |= of_mark[letter]
    names = match[4].split(":")[1:]
    options |= dict(zip(("activation", "after"), names, strict=False))
    options["sources"] = tuple(map(int, match[5].split("+")[1:]))
    return Stage(int(match[1]), int(match[2]), **options)


def written_stages(stages: Sequence[Stage]) -> str:
    """The text that ``parse_stages`` reads as these stages: ``3k5,3k3q`` for the paper's network, paired."""
    return ",".join(map(_written, stages))


def _written(stage: Stage) -> str:
    behind = "" if stage.padding_behind is None else f"-{stage.padding_behind}"
    pool = stage.pool
    if pool is None:
        pooled = "n"
    elif pool == Pool():
        pooled = ""
    else:
        stride = "" if pool.stride == pool.side else f"-{pool.stride}"
        pooled = f"{'a' if stage.mean else 'm'}{pool.side}{stride}"
    names = [stage.activation, stage.after]
    while names and names[-1] == ("none" if len(names) == 2 else "relu"):
        names.pop()
    return (
        f"{stage.filters}k{stage.kernel}"
        + (f"s{stage.stride}" if stage.stride > 1 else "")
        + (f"p{stage.padding}{behind}" if stage.padding or behind else "")
        + (f"g{stage.groups}" if stage.groups > 1 else "")
        + pooled
        + "q" * (stage.wiring is Wiring.PAIRED)
        + "u" * (not stage.bias)
        + "b" * stage.bias_map
        + "".join(f":{name}" for name in names)
        + "".join(f"+{source}" for source in stage.sources)
    )


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ArchitectureError(f"{what} must be from {low} to {high}, not {value}")


@lru_cache(maxsize=64)
def _near(architecture: Architecture, stage: int) -> NDArray[np.intp]:
    line, (_, side) = architecture.line(stage), architecture.below(stage)
    row, column = line[:, None, :, None], line[None, :, None, :]
    inside = (row < side) & (column < side)
    near: NDArray[np.intp] = np.where(inside, row * side + column, side**2).reshape(len(line) ** 2, -1)
    near.flags.writeable = False
    return near


@lru_cache(maxsize=256)
def _sight(architecture: Architecture, layer: int) -> NDArray[np.bool_]:
    if layer == 0:
        return np.eye(architecture.side, dtype=np.bool_)
    below = np.logical_or.reduce([_sight(architecture, source) for source in architecture.sources(layer - 1)])
    padded = np.concatenate([below, np.zeros((1, architecture.side), np.bool_)])
    sight: NDArray[np.bool_] = np.logical_or.reduce(padded[architecture.line(layer - 1)])
    return sight
