"""A network as the chain of its layers, as any file gives it, and the stages and head that it amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture, Stage, Wiring
from konkyo.models.architecture import Pool as MaxPool
from konkyo.models.errors import ArchitectureError
from konkyo.models.network import Network
from konkyo.trainer.errors import NetworkFileError

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A layer, with the name that its file has for it."""

    name: str


@dataclass(frozen=True)
class Convolution(Layer):
    """Stride 1. ``weight`` is (filters, inputs, k, k), ``bias`` (filters,) or None."""

    weight: F64
    bias: F64 | None
    padding: int = 0
    paired: bool = False


@dataclass(frozen=True)
class Relu(Layer):
    """The greater of a value and 0."""


@dataclass(frozen=True)
class Pool(Layer):
    """Max-pool 2×2 of stride 2, which drops an odd last row and column."""


@dataclass(frozen=True)
class Affine(Layer):
    """``weight`` is (outputs, inputs), ``bias`` (outputs,)."""

    weight: F64
    bias: F64


@dataclass(frozen=True)
class Scaling(Layer):
    """Each value by itself times ``scale`` plus ``shift``, both (maps, rows, columns) or (values,).

    ``learned``: training moves the shift, as that of batch normalisation, also where it is 0 now.
    """

    scale: F64
    shift: F64
    learned: bool = False

    @property
    def by_map(self) -> tuple[F64, F64] | None:
        """Scale and shift of each map; None where they differ within one."""
        found = []
        for values in (self.scale, self.shift):
            flat = values.reshape(len(values), -1)
            if (flat != flat[:, :1]).any():
                return None
            found.append(flat[:, 0])
        return found[0], found[1]

    @property
    def grows(self) -> bool:
        """Whether each map has one scale and shift and greater values stay greater, as a max-pool needs."""
        return self.by_map is not None and bool((self.scale > 0).all())

    def then(self, other: "Scaling") -> "Scaling":
        """This one and another behind it as one."""
        name = self.name if self.name == other.name else f"{self.name}, {other.name}"
        shift, learned = self.shift * other.scale + other.shift, self.learned or other.learned
        return Scaling(name, self.scale * other.scale, shift, learned)

    @property
    def smaller(self) -> "Scaling":
        """The same for maps of another size, where it has one scale and shift for each."""
        return replace(self, scale=self.scale[:, :1, :1], shift=self.shift[:, :1, :1])


@dataclass(frozen=True)
class Chain:
    """The layers of a network from its input to its logits.

    Attributes
    ----------
    layers
        In order.
    side, channels
        Of the image.
    notes
        What was folded, for people.
    """

    layers: tuple[Layer, ...]
    side: int
    channels: int
    notes: tuple[str, ...] = field(default=())


def network(chain: Chain, classes: tuple[str, ...] | None = None) -> tuple[Network, tuple[str, ...]]:
    """The network that a chain amounts to, in float32, and notes on what was folded.

    Raises
    ------
    NetworkFileError
        The layers are no stages and head, or beyond the limits. The message names the layer.
    """
    layers, border, notes = _folded(chain)
    stages, convolutions, rest = _stages(layers)
    affine = _head(rest)
    hidden = tuple(len(one.bias) for one in affine[:-1])
    try:
        architecture = Architecture(stages, chain.side, chain.channels, hidden, len(affine[-1].bias))
    except ArchitectureError as error:
        raise NetworkFileError(f"its layers make no network: {error}") from error
    weights: dict[str, NDArray[Any]] = {}
    for number, convolution in enumerate(convolutions, 1):
        weights[f"conv{number}.weight"] = convolution.weight
        if convolution.bias is not None:
            weights[f"conv{number}.bias"] = convolution.bias
    for (name, *_), one in zip(architecture.head, affine, strict=True):
        weights |= {f"{name}.weight": one.weight, f"{name}.bias": one.bias}
    parameters: list[Convolution | Affine] = [*convolutions, *affine]
    named = dict(zip(weights, [one for layer in parameters for one in _names(layer)], strict=True))
    for key, wanted in architecture.tensor_shapes.items():
        if weights[key].shape != wanted:
            raise NetworkFileError(
                f"{named[key]}: its weights have shape {weights[key].shape}; what stands before it makes {wanted} right"
            )
        with np.errstate(over="ignore"):
            weights[key] = weights[key].astype(np.float32)
        if not np.isfinite(weights[key]).all():
            raise NetworkFileError(f"{named[key]}: its weights hold NaN or infinity; train it again")
    return Network(architecture, weights, classes, border), notes


def _names(layer: Convolution | Affine) -> list[str]:
    return [layer.name] * (1 if layer.bias is None else 2)


def _folded(chain: Chain) -> tuple[list[Layer], F64, tuple[str, ...]]:
    """The layers without scalings, the value of the first padding, and notes."""
    layers, notes, border = list(chain.layers), list(chain.notes), np.zeros(chain.channels)
    while scalings := [(n, layer) for n, layer in enumerate(layers) if isinstance(layer, Scaling)]:
        at, one = scalings[0]
        before = layers[at - 1] if at else None
        after = layers[at + 1] if at + 1 < len(layers) else None
        if isinstance(after, Scaling):
            layers[at : at + 2] = [one.then(after)]
        elif (one.scale == 1).all() and not one.shift.any() and not one.learned:
            del layers[at]
        elif isinstance(before, Convolution | Affine):
            layers[at - 1 : at + 1] = [_behind(before, one)]
            if (one.scale != 1).any():  # else it is the bias
                notes.append(f"{one.name} into {before.name} before it")
        elif isinstance(before, Pool) and one.grows and at > 1 and isinstance(layers[at - 2], Convolution):
            layers[at - 1 : at + 1] = [one.smaller, before]
        elif isinstance(after, Pool) and one.grows:
            layers[at : at + 2] = [after, one.smaller]
        elif isinstance(after, Convolution):
            if before is None and after.padding:
                border = _border(one)
            layers[at : at + 2] = [_before(one, after, bordered=before is None)]
            notes.append(f"{one.name} into {after.name} behind it")
        elif isinstance(after, Affine):
            scale, shift = (_spread(values, after.weight.shape[1]) for values in (one.scale, one.shift))
            layers[at : at + 2] = [replace(after, weight=after.weight * scale, bias=after.bias + after.weight @ shift)]
            notes.append(f"{one.name} into {after.name} behind it")
        else:
            raise NetworkFileError(
                f"{one.name}: scales each map and has no convolution or affine layer beside it; batch normalisation "
                "directly behind a convolution fits"
            )
    return layers, border, tuple(notes)


def _spread(values: F64, count: int) -> F64:
    """(maps, rows, columns) as ``count`` values in a row; of smaller maps where each has one value."""
    return np.repeat(values.reshape(-1), max(1, count // values.size))


def _behind(layer: Convolution | Affine, one: Scaling) -> Layer:
    """A layer with a scaling of its output folded in."""
    if one.by_map is None:
        raise NetworkFileError(f"{one.name}: differs from cell to cell of a map; one number for each map fits")
    scale, shift = one.by_map
    if isinstance(layer, Affine):
        return replace(layer, weight=layer.weight * scale[:, None], bias=layer.bias * scale + shift)
    bias = None if layer.bias is None and not shift.any() else (0 if layer.bias is None else layer.bias) * scale + shift
    return replace(layer, weight=layer.weight * scale[:, None, None, None], bias=bias)


def _before(one: Scaling, layer: Convolution, *, bordered: bool) -> Convolution:
    """A convolution with a scaling of its input folded in; ``bordered``: its padding has the value that becomes 0."""
    if one.by_map is None:
        raise NetworkFileError(f"{one.name}: differs from cell to cell of a map; one number for each map fits")
    scale, shift = one.by_map
    if layer.padding and (shift.any() or one.learned) and not bordered:
        raise NetworkFileError(
            f"{one.name}: shifts the input of {layer.name}, whose padding of zeros it does not shift; batch "
            "normalisation directly behind a convolution fits, or padding 0"
        )
    added = (layer.weight * shift[:, None, None]).sum((1, 2, 3))
    bias = layer.bias if not shift.any() else (0 if layer.bias is None else layer.bias) + added
    return replace(layer, weight=layer.weight * scale[:, None, None], bias=bias)


def _border(one: Scaling) -> F64:
    """For each channel the pixel that becomes 0, as the padding behind it is."""
    found = one.by_map
    if found is None:
        raise NetworkFileError(f"{one.name}: differs from pixel to pixel; one number for each channel fits")
    scale, shift = found
    if (shift[scale == 0] != 0).any():
        raise NetworkFileError(f"{one.name}: multiplies a channel of the image by 0; another number fits")
    return np.divide(-shift, scale, out=np.zeros_like(scale), where=scale != 0)


def _stages(layers: Sequence[Layer]) -> tuple[tuple[Stage, ...], list[Convolution], Sequence[Layer]]:
    """The stages, their convolutions, and the layers behind them."""
    stages: list[Stage] = []
    convolutions: list[Convolution] = []
    at = 0
    while at < len(layers) and isinstance(one := layers[at], Convolution):
        at += 1
        behind = []
        while at < len(layers) and isinstance(layers[at], Relu | Pool):
            behind.append(layers[at])
            at += 1
        pools = [layer for layer in behind if isinstance(layer, Pool)]
        if len(pools) == len(behind):
            raise NetworkFileError(f"{one.name}: has no ReLU behind it; convolution, ReLU, then a pool or none fit")
        if len(pools) > 1:
            raise NetworkFileError(f"{pools[1].name}: is a second pool behind {one.name}; one 2×2 or none fits")
        filters, _, kernel, _ = one.weight.shape
        wiring = Wiring.PAIRED if one.paired else Wiring.SUMMED
        stages.append(Stage(filters, kernel, one.padding, MaxPool() if pools else None, wiring, one.bias is not None))
        convolutions.append(one)
    if not stages:
        first = f"{layers[0].name}: stands first" if layers else "it holds no layer"
        raise NetworkFileError(f"{first}; a network of one to six convolutions, then affine layers, fits")
    return tuple(stages), convolutions, layers[at:]


def _head(layers: Sequence[Layer]) -> list[Affine]:
    """The affine layers: those without a ReLU between them as one."""
    if not layers:
        raise NetworkFileError("no affine layer stands behind the convolutions; flatten, then one for the classes fits")
    found: list[Affine] = []
    joined = False
    for one in layers:
        if isinstance(one, Affine):
            if joined:
                last = found.pop()
                one = Affine(one.name, one.weight @ last.weight, one.weight @ last.bias + one.bias)
            found.append(one)
            joined = True
        else:  # a ReLU: no reader lets maps follow an affine layer
            joined = False
    if not joined:
        raise NetworkFileError(
            f"{layers[-1].name}: is a ReLU of the logits; an affine layer without one, for the classes, fits"
        )
    return found
