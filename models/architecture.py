"""The architecture of a network: a list of stages and a head (docs/mathematics.md, 1). It holds no weights."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from konkyo.models.classes import FEWEST, MOST
from konkyo.models.errors import ArchitectureError

IMAGE_SIDE = 28
POOL = 2
SIDES = range(8, 65)
CHANNELS = 1, 3
MAX_STAGES = 6
MAX_FILTERS = 64
MAX_MAPS = 4096
MAX_HIDDEN = 3
MAX_WIDTH = 512


class Wiring(StrEnum):
    """How a stage combines its input maps. The paper leaves this open for its second convolution.

    ``SUMMED`` is an ordinary convolution: filter j has one kernel for each input map and adds up the responses.
    ``PAIRED``: filter j has one kernel, which is applied to each input map by itself. Each pair (i, j) has its own map.
    """

    SUMMED = "summed"
    PAIRED = "paired"


@dataclass(frozen=True)
class Stage:
    """Convolution of stride 1 → ReLU → max-pool 2×2, which drops an odd last row and column; or no pool.

    Parameters
    ----------
    filters
        Number of filters.
    kernel
        Side of the square filters, in cells of the layer below.
    padding
        Cells of padding on each side.
    pool
        Whether there is a pool.
    wiring
        How the input maps are combined.
    bias
        Whether the filters have a bias.
    """

    filters: int
    kernel: int
    padding: int = 0
    pool: bool = True
    wiring: Wiring = Wiring.SUMMED
    bias: bool = True

    @property
    def step(self) -> int:
        """Distance of neighbouring output cells, in cells of the layer below."""
        return POOL if self.pool else 1

    @property
    def width(self) -> int:
        """Side of the square that an output cell sees, in cells of the layer below."""
        return self.kernel + self.step - 1

    @property
    def paired(self) -> bool:
        """Whether each input map is convolved by itself."""
        return self.wiring is Wiring.PAIRED

    def sides(self, side: int) -> tuple[int, int]:
        """Side of the convolution's output and of the stage's output, for a side of the layer below."""
        convolved = side + 2 * self.padding - self.kernel + 1
        return convolved, convolved // self.step


@dataclass(frozen=True)
class Architecture:
    """Image → stages → head: flatten, hidden affine layers with ReLU, and the affine layer of the classes.

    *Layers* are counted from the image, which is layer 0; layer n is the output of stage n. A stage's number in arrays
    is counted from 0, for people from 1.

    Parameters
    ----------
    stages
        From the image to the head, 1 to 6.
    side
        Side of the image in pixels, 8 to 64.
    channels
        1 for grey images, 3 for colour.
    hidden
        Outputs of each hidden affine layer, at most three.
    classes
        Number of classes, 2 to 64.

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

    def __post_init__(self) -> None:
        _within("the image's side", self.side, SIDES[0], SIDES[-1])
        if self.channels not in CHANNELS:
            raise ArchitectureError(f"channels must be 1 or 3, not {self.channels}")
        _within("the number of stages", len(self.stages), 1, MAX_STAGES)
        _within("the number of hidden affine layers", len(self.hidden), 0, MAX_HIDDEN)
        for width in self.hidden:
            _within("the width of a hidden affine layer", width, 1, MAX_WIDTH)
        _within("the number of classes", self.classes, FEWEST, MOST)
        side, maps = self.side, self.channels
        for number, stage in enumerate(self.stages, 1):
            name = f"stage {number}"
            _within(f"{name}'s filters", stage.filters, 1, MAX_FILTERS)
            _within(f"{name}'s kernel", stage.kernel, 1, side)
            _within(f"{name}'s padding", stage.padding, 0, stage.kernel - 1)
            if stage.sides(side)[1] < 1:
                raise ArchitectureError(
                    f"{name} leaves nothing of a side of {side}; a smaller kernel or no pool would do"
                )
            side, maps = stage.sides(side)[1], stage.filters * (maps if stage.paired else 1)
            _within(f"{name}'s maps", maps, 1, MAX_MAPS)

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """Side of each layer in cells: (28, 12, 5) for the paper's network."""
        return tuple(accumulate(self.stages, lambda side, stage: stage.sides(side)[1], initial=self.side))

    @cached_property
    def layer_maps(self) -> tuple[int, ...]:
        """Number of maps of each layer: (1, 3, 9) for the paper's network with paired wiring."""
        return tuple(
            accumulate(
                self.stages, lambda maps, stage: stage.filters * (maps if stage.paired else 1), initial=self.channels
            )
        )

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
        """(A, B): the maps that enter the last stage, and its filters."""
        return self.layer_maps[-2], self.stages[-1].filters

    @property
    def map_grid(self) -> tuple[int, int]:
        """The maps that reach the head, as a grid: (1, B) summed, (A, B) paired."""
        return self.maps // self.stages[-1].filters, self.stages[-1].filters

    @property
    def cells(self) -> int:
        """Number of cells of a map that reaches the head."""
        return self.sides[-1] ** 2

    @property
    def features(self) -> int:
        """Number of values that reach the head."""
        return self.maps * self.cells

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
        for number, (stage, below) in enumerate(zip(self.stages, self.layer_maps, strict=False), 1):
            shapes[f"conv{number}.weight"] = (stage.filters, 1 if stage.paired else below, stage.kernel, stage.kernel)
            if stage.bias:
                shapes[f"conv{number}.bias"] = (stage.filters,)
        for name, outputs, inputs in self.head:
            shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
        return shapes

    @property
    def parameters(self) -> int:
        """Number of weights and biases: 2,368 for paired 3×3, 922 for summed 3×3, 5,046 for LeNet's 6 and 16."""
        return sum(map(prod, self.tensor_shapes.values()))

    @property
    def multiply_adds(self) -> int:
        """Number of multiply-adds of one forward pass, without biases: 53,550 for paired 3×3."""
        convolutions = (
            stage.sides(side)[0] ** 2 * stage.kernel**2 * stage.filters * below
            for stage, side, below in zip(self.stages, self.sides, self.layer_maps, strict=False)
        )
        return sum(convolutions) + sum(outputs * inputs for _, outputs, inputs in self.head)

    def near(self, stage: int, *, pooled: bool = True) -> NDArray[np.intp]:
        """The cells below that each output of a stage, or of its convolution, sees.

        Returns
        -------
        NDArray
            (width² or kernel², outputs): flat indices in a map. Padding is the cell behind the last.
        """
        given, side = self.stages[stage], self.sides[stage]
        step, width = (given.step, given.width) if pooled else (1, given.kernel)
        return _near(side, given.sides(side)[pooled], step, given.padding, width)

    def sight(self, layer: int) -> tuple[tuple[int, int], ...]:
        """(first, behind the last) pixel row that each row of a layer's cells sees. The same for columns."""
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


_STAGE = re.compile(r"(\d{1,3})k(\d{1,3})(?:p(\d{1,3}))?(n?q?u?|n?uq?|qn?u?|qun?|un?q?|uqn?)", re.ASCII)
STAGES_SYNTAX = (
    "FILTERS k KERNEL, then p PADDING where there is any, n without a pool, q for paired wiring, u without bias; "
    "stages are separated by commas, such as 16k5p2,32k5p2"
)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """The stages that a text such as ``16k5p2,32k3nq`` describes; see ``STAGES_SYNTAX``.

    Raises
    ------
    ArchitectureError
        One of them is spelled otherwise. Whether they make a network is for ``Architecture`` to say.
    """
    stages = []
    for number, spelled in enumerate(text.split(","), 1):
        match = _STAGE.fullmatch(spelled.strip())
        if match is None:
            raise ArchitectureError(f"stage {number} is {spelled.strip()!r}; write {STAGES_SYNTAX}")
        filters, kernel, padding, marks = match.groups()
        wiring = Wiring.PAIRED if "q" in marks else Wiring.SUMMED
        stages.append(Stage(int(filters), int(kernel), int(padding or 0), "n" not in marks, wiring, "u" not in marks))
    return tuple(stages)


def written_stages(stages: Sequence[Stage]) -> str:
    """The text that ``parse_stages`` reads as these stages: ``3k5,3k3q`` for the paper's network, paired."""
    return ",".join(
        f"{stage.filters}k{stage.kernel}"
        + (f"p{stage.padding}" if stage.padding else "")
        + "n" * (not stage.pool)
        + "q" * stage.paired
        + "u" * (not stage.bias)
        for stage in stages
    )


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ArchitectureError(f"{what} must be from {low} to {high}, not {value}")


@lru_cache(maxsize=256)
def _near(side: int, outputs: int, step: int, padding: int, width: int) -> NDArray[np.intp]:
    along = step * np.arange(outputs) - padding + np.arange(width)[:, None]
    row, column = along[:, None, :, None], along[None, :, None, :]
    inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
    near: NDArray[np.intp] = np.where(inside, row * side + column, side**2).reshape(width**2, outputs**2)
    near.flags.writeable = False
    return near


@lru_cache(maxsize=256)
def _sight(architecture: Architecture, layer: int) -> tuple[tuple[int, int], ...]:
    if layer == 0:
        return tuple((pixel, pixel + 1) for pixel in range(architecture.side))
    stage, below = architecture.stages[layer - 1], _sight(architecture, layer - 1)
    starts = [stage.step * cell - stage.padding for cell in range(architecture.sides[layer])]
    last = len(below) - 1
    return tuple((below[min(max(start, 0), last)][0], below[min(start + stage.width - 1, last)][1]) for start in starts)
