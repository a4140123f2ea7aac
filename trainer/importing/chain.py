"""A network as the chain of its layers, as any file gives it."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from konkyo.models.activations import PARAMETERS
from konkyo.models.architecture import MAX_POOL, PoolKind

F64 = NDArray[np.float64]
# No activation of a stage, but the values times it are.
HARD_SIGMOID = "hardsigmoid"


@dataclass(frozen=True)
class Layer:
    """A layer, with the name that its file has for it."""

    name: str


@dataclass(frozen=True)
class Convolution(Layer):
    """``weight`` is (filters, inputs of a group, k, k), ``bias`` (filters,), a map of it (filters, o, o), or None.

    ``padding`` and ``behind`` are cells of zeros before the first row and column and behind the last ones.
    """

    weight: F64
    bias: F64 | None
    padding: int = 0
    behind: int = 0
    stride: int = 1
    groups: int = 1
    paired: bool = False

    @property
    def kernel(self) -> int:
        """Side of its kernels."""
        return int(self.weight.shape[-1])

    def side(self, below: int) -> int:
        """Side of its maps, for maps of a side."""
        return (below + self.padding + self.behind - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Activation(Layer):
    """``kind`` is as ``konkyo.models.activations`` spells it."""

    kind: str = "relu"


@dataclass(frozen=True)
class Pool(Layer):
    """It drops rows and columns that no whole square of ``places`` × ``places`` cells covers."""

    places: int = 2
    stride: int = 2
    kind: PoolKind = PoolKind.MAX

    def side(self, below: int) -> int:
        """Side of its maps, for maps of a side."""
        return (below - self.places) // self.stride + 1


@dataclass(frozen=True)
class Padding(Layer):
    """Cells of zeros before the first row and column, and behind the last ones; a negative number leaves cells out."""

    before: int
    behind: int

    def side(self, below: int) -> int:
        """Side of its maps, for maps of a side."""
        return below + self.before + self.behind


@dataclass(frozen=True)
class Affine(Layer):
    """``weight`` is (outputs, inputs), ``bias`` (outputs,)."""

    weight: F64
    bias: F64


@dataclass(frozen=True)
class Scaling(Layer):
    """Each value by itself times ``scale`` plus ``shift``, both (maps, rows, columns) or (values,)."""

    scale: F64
    shift: F64

    @property
    def by_map(self) -> tuple[F64, F64] | None:
        """Scale and shift of each map; None where they differ within one."""
        scale, shift = of_each_map(self.scale), of_each_map(self.shift)
        return None if scale is None or shift is None else (scale, shift)

    def then(self, other: "Scaling") -> "Scaling":
        """This one and another behind it as one."""
        name = self.name if self.name == other.name else f"{self.name}, {other.name}"
        return Scaling(name, self.scale * other.scale, self.shift * other.scale + other.shift)

    def commutes(self, pool: Pool) -> bool:
        """Whether it does the same before and behind a pool: each map has one scale, and a max-pool's is above 0."""
        return self.by_map is not None and (pool.kind is PoolKind.MEAN or bool((self.scale > 0).all()))

    @property
    def smaller(self) -> "Scaling":
        """The same for maps of another size, where it has one scale and shift for each."""
        return replace(self, scale=self.scale[:, :1, :1], shift=self.shift[:, :1, :1])


def of_each_map(values: F64) -> F64 | None:
    """(maps,): the one value of each of (maps, rows, columns) or (values,); None where a map has several."""
    flat = values.reshape(len(values), -1)
    return None if (flat != flat[:, :1]).any() else flat[:, 0]


@dataclass(frozen=True)
class Sum(Layer):
    """It begins a part of the chain. What it gives is the sum of what the parts ``of`` give; of one it is that itself.

    Parts are counted from that of the image, which is 0. What a part gives is taken by sums alone.
    """

    of: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """Where values of a network stand: behind a layer, which takes those at other places. The image has neither."""

    layer: Layer | None = None
    given: tuple["Place", ...] = ()

    def then(self, layer: Layer) -> "Place":
        """Behind a layer that takes what stands here."""
        return Place(layer, (self,))

    def plus(self, name: str, other: "Place") -> "Place":
        """Behind the sum of what stands here and at another place."""
        return Place(Sum(name, ()), (self, other))

    @property
    def gated(self) -> str | None:
        """The activation that values times this activation of them are; None if this is no such one."""
        kind = self.layer.kind if isinstance(self.layer, Activation) else ""
        return {"sigmoid": "silu", HARD_SIGMOID: "hardswish"}.get(kind)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that lead here, each behind those that it takes. A part ends where values are taken by several."""
        order: dict[Place, None] = {}
        left = [self]
        while left:
            missing = [one for one in left[-1].given if one not in order]
            if not missing:
                order[left.pop()] = None
            left += reversed(missing)
        uses = Counter(taken for one in order for taken in one.given)
        last, *behind = order
        parts, part = {last: 0}, 0
        found: list[Layer] = []
        for one in behind:
            assert one.layer is not None  # noqa: S101 - the image comes first
            if one.given != (last,) or uses[last] > 1:
                part += 1
                found.append(Sum(one.layer.name, tuple(parts[taken] for taken in one.given)))
            if not isinstance(one.layer, Sum):
                found.append(one.layer)
            parts[one], last = part, one
        return tuple(found)


@dataclass(frozen=True)
class Chain:
    """The layers of a network from its input to its logits.

    Attributes
    ----------
    layers
        In order; what does not take the layer before begins with a ``Sum``.
    side, channels
        Of the image.
    notes
        What was folded, for people.
    """

    layers: tuple[Layer, ...]
    side: int
    channels: int
    notes: tuple[str, ...] = field(default=())


# What readers of all files have in common.


def spelled(name: str, parameter: float | None) -> str:
    """An activation with a parameter, such as ``leaky=0.2``; without it where it is the usual one."""
    value = PARAMETERS[name][0] if parameter is None else float(str(np.float32(parameter)))
    return name if value == PARAMETERS[name][0] else f"{name}={value}"


def clip(least: float, most: float) -> str | None:
    """The activation that keeps values between two numbers; None if there is none."""
    most = np.inf if most >= np.finfo(np.float32).max else most
    least = -np.inf if least <= np.finfo(np.float32).min else least
    return {(0, np.inf): "relu", (0, 6): "relu6", (-1, 1): "hardtanh", (-np.inf, np.inf): "none"}.get((least, most))


def dilated(weight: F64, apart: int) -> F64:
    """Kernels (filters, inputs, k, k) with zeros between their cells, which are then so many cells apart."""
    filters, inputs, kernel, _ = weight.shape
    wide = np.zeros((filters, inputs, *((kernel - 1) * apart + 1,) * 2))
    wide[:, :, ::apart, ::apart] = weight
    return wide


def wrong_pool(rows: int, side: int, stride: int) -> str | None:
    """Why a pool is none of a stage, on maps of a side, and what fits; None if it is one."""
    said = f"pools {side}×{side} with a stride of {stride}"
    if not 1 <= side <= rows:
        return f"{said} on maps of {rows}×{rows}; smaller ones fit"
    if not (2 <= side <= MAX_POOL or side == rows > 1):
        return f"{said}; 2×2 to {MAX_POOL}×{MAX_POOL}, or the whole map, fit"
    return f"{said}; a stride of at most {side} fits" if not 1 <= stride <= side else None


def wrong_sum(one: tuple[int, ...], two: tuple[int, ...]) -> str | None:
    """Why the values of two layers, of these shapes, are not added up by a stage, and what fits; None if they are."""
    if len(one) != 3 or len(two) != 3:
        return "adds up what affine layers give; a sum of maps, before the first of them, fits"
    shapes = ["×".join(map(str, shape)) for shape in (one, two)]
    return None if one == two else f"adds up maps of {shapes[0]} and of {shapes[1]}; as many, of the same side, fit"
