"""What of a chain becomes part of other layers: paddings, scalings, and what is linear at its end."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from konkyo.models.architecture import PoolKind
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import (
    F64,
    Activation,
    Affine,
    Chain,
    Convolution,
    Layer,
    Padding,
    Pool,
    Scaling,
    Sum,
    of_each_map,
)

# A layer of maps that are linear at the end becomes part of the head up to so many weights; else it is a stage.
MOST_WEIGHTS = 2**22


def folded(chain: Chain) -> tuple[list[Layer], F64, tuple[str, ...]]:
    """Convolutions, activations, pools, affine layers and sums alone, the value of the first padding, and notes.

    Raises
    ------
    NetworkFileError
        A layer is part of no other. The message names it.
    """
    layers, notes, border = _without_paddings(chain.layers), list(chain.notes), np.zeros(chain.channels)
    while scalings := [(n, layer) for n, layer in enumerate(layers) if isinstance(layer, Scaling)]:
        at, one = scalings[0]
        before = layers[at - 1] if at else None
        after = layers[at + 1] if at + 1 < len(layers) else None
        if isinstance(after, Scaling):
            layers[at : at + 2] = [one.then(after)]
        elif (one.scale == 1).all() and not one.shift.any():
            del layers[at]
        elif isinstance(before, Convolution | Affine):
            layers[at - 1 : at + 1] = [_behind(before, one)]
            if (one.scale != 1).any():  # else it is the bias
                notes.append(f"{one.name} into {before.name} before it")
        elif isinstance(before, Pool) and one.commutes(before) and at > 1 and isinstance(layers[at - 2], Convolution):
            layers[at - 1 : at + 1] = [one.smaller, before]
        elif isinstance(after, Pool) and one.commutes(after):
            layers[at : at + 2] = [after, one.smaller]
        elif isinstance(after, Convolution):
            pixel = _padded_pixel(one) if before is None and after.padding + max(after.behind, 0) else None
            border = border if pixel is None else pixel
            side, _ = _shapes(layers[:at], chain)[-1]
            layers[at : at + 2] = [_before(one, after, side, bordered=pixel is not None)]
            notes.append(f"{one.name} into {after.name} behind it")
        elif isinstance(after, Affine):
            scale, shift = (_spread(values, after.weight.shape[1]) for values in (one.scale, one.shift))
            layers[at : at + 2] = [replace(after, weight=after.weight * scale, bias=after.bias + after.weight @ shift)]
            notes.append(f"{one.name} into {after.name} behind it")
        elif one.scale.ndim == 3:
            layers[at] = _alone(one)
            notes.append(f"{one.name} as a stage of its own")
        else:
            raise NetworkFileError(
                f"{one.name}: scales values between two activations of affine layers; batch normalisation directly "
                "behind an affine layer fits"
            )
    return _linear_end(layers, chain), border, tuple(notes)


def _without_paddings(layers: Sequence[Layer]) -> list[Layer]:
    """The layers with each padding as that of the convolution behind it."""
    found: list[Layer] = []
    for number, one in enumerate(layers):
        last = found[-1] if found else None
        if isinstance(last, Padding):
            padding = one.padding + last.before if isinstance(one, Convolution) else -1
            if not isinstance(one, Convolution) or padding < 0 or one.behind + last.behind < 1 - 2**15:
                raise NetworkFileError(f"{last.name}: pads by itself; padding directly before a convolution fits")
            behind = one.behind + last.behind
            if max(padding, behind) >= one.kernel:
                raise NetworkFileError(
                    f"{last.name}: pads by {max(padding, behind)} before kernels of {one.kernel}×{one.kernel}; 0 to "
                    f"{one.kernel - 1} fit"
                )
            found[-1] = replace(one, padding=padding, behind=behind)
        elif isinstance(one, Padding) and number == len(layers) - 1:
            raise NetworkFileError(f"{one.name}: pads by itself; padding directly before a convolution fits")
        else:
            found.append(one)
    return found


def _shapes(layers: Sequence[Layer], chain: Chain) -> list[tuple[int, int]]:
    """Side and number of the maps of the image and behind each of these layers."""
    found, ends = [(chain.side, chain.channels)], []
    for one in layers:
        side, maps = found[-1]
        if isinstance(one, Sum):
            ends.append((side, maps))
            side, maps = ends[one.of[0]]
        elif isinstance(one, Convolution | Pool):
            side = one.side(side)
        if isinstance(one, Convolution):
            maps = len(one.weight) * (maps if one.paired else 1)
        found.append((side, maps))
    return found


def _spread(values: F64, count: int) -> F64:
    """(maps, rows, columns) as ``count`` values in a row; of smaller maps where each has one value."""
    return np.repeat(values.reshape(-1), max(1, count // values.size))


def _behind(layer: Convolution | Affine, one: Scaling) -> Layer:
    """A layer with a scaling of its output folded in. A shift that differs from cell to cell makes a map of biases."""
    scale, shift = _scale(one), of_each_map(one.shift)
    if isinstance(layer, Affine):
        return replace(layer, weight=layer.weight * scale[:, None], bias=layer.bias * scale + one.shift)
    weight = layer.weight * scale[:, None, None, None]
    if layer.bias is None and not one.shift.any():
        return replace(layer, weight=weight)
    bias = np.zeros(len(scale)) if layer.bias is None else layer.bias
    if bias.ndim == 3 or shift is None:
        return replace(layer, weight=weight, bias=_map(bias) * scale[:, None, None] + one.shift)
    return replace(layer, weight=weight, bias=bias * scale + shift)


def _map(bias: F64) -> F64:
    """(filters, o, o), or (filters, 1, 1) where all cells have one bias."""
    return bias if bias.ndim == 3 else bias[:, None, None]


def _scale(one: Scaling) -> F64:
    found = of_each_map(one.scale)
    if found is None:
        raise NetworkFileError(f"{one.name}: differs from cell to cell of a map; one factor for each map fits")
    return found


def _before(one: Scaling, layer: Convolution, side: int, *, bordered: bool) -> Convolution:
    """A convolution with a scaling of its input folded in; ``bordered``: its padding has the value that becomes 0.

    Where it pads and the padding does not have that value, cells at the edge get another bias than others.
    """
    scale = _scale(one)
    if layer.paired and len(scale) > 1:
        raise NetworkFileError(f"{one.name}: stands before paired filters; behind a convolution it fits")
    each = np.repeat(scale.reshape(layer.groups, 1, -1), len(layer.weight) // layer.groups, 1)
    scaled = replace(layer, weight=layer.weight * each.reshape(len(layer.weight), -1, 1, 1))
    if not one.shift.any():
        return scaled
    shift = of_each_map(one.shift)
    bias = np.zeros(len(layer.weight)) if layer.bias is None else layer.bias
    if shift is not None and (bordered or not (layer.padding or layer.behind > 0)):
        by_filter = np.repeat(shift.reshape(layer.groups, 1, -1), len(layer.weight) // layer.groups, 1)
        added = (layer.weight * by_filter.reshape(len(layer.weight), -1, 1, 1)).sum((1, 2, 3))
        return replace(scaled, bias=bias + (added if bias.ndim == 1 else added[:, None, None]))
    maps = np.broadcast_to(one.shift, (len(scale), side, side))
    return replace(scaled, bias=_map(bias) + _convolved(layer, maps))


def _convolved(layer: Convolution, maps: F64) -> F64:
    """(filters, o, o): what a convolution makes of maps (inputs, side, side), without its bias."""
    side, outputs = maps.shape[-1], layer.side(maps.shape[-1])
    wide = layer.padding + side + max(layer.behind, 0)
    padded = np.zeros((len(maps), wide, wide))
    padded[:, layer.padding : layer.padding + side, layer.padding : layer.padding + side] = maps
    seen = sliding_window_view(padded, (layer.kernel,) * 2, axis=(1, 2))[
        :, : outputs * layer.stride : layer.stride, : outputs * layer.stride : layer.stride
    ]
    groups = zip(np.split(layer.weight, layer.groups), np.split(seen, layer.groups), strict=True)
    return np.concatenate([np.tensordot(weight, one, ((1, 2, 3), (0, 3, 4))) for weight, one in groups])


def _alone(one: Scaling) -> Convolution:
    """A scaling of maps as a convolution of one cell, in as many groups as there are maps."""
    scale, shift = _scale(one), of_each_map(one.shift)
    bias = one.shift if shift is None else shift
    return Convolution(one.name, scale.reshape(-1, 1, 1, 1), bias, groups=len(scale))


def _padded_pixel(one: Scaling) -> F64 | None:
    """For each channel the pixel that becomes 0, as the padding behind it is; None if there is none."""
    found = one.by_map
    if found is None:
        return None
    scale, shift = found
    if (shift[scale == 0] != 0).any():
        return None
    return np.divide(-shift, scale, out=np.zeros_like(scale), where=scale != 0)


def _linear_end(layers: list[Layer], chain: Chain) -> list[Layer]:
    """The same with the convolutions behind the last activation, max-pool or sum of maps as part of the affine layer.

    A network that ends with maps of one cell, as behind global pooling, gets an affine layer that leaves them as
    they are.
    """
    end = next((n for n, one in enumerate(layers) if isinstance(one, Affine)), len(layers))
    stages, head = layers[:end], layers[end:]
    sides, maps = map(list, zip(*_shapes(stages, chain), strict=True))
    if not head and stages and sides[-1] == 1:
        head = [Affine(stages[-1].name, np.eye(maps[-1]), np.zeros(maps[-1]))]
    if not head or not isinstance(first := head[0], Affine) or first.weight.shape[1] != maps[-1] * sides[-1] ** 2:
        return [*stages, *head]  # what does not fit is refused where the network is made
    start = len(stages)
    while start and (isinstance(one := stages[start - 1], Convolution) or _is_mean(one)):
        start -= 1
    # The mean of an image's maps that one cell of each makes is the same made of the mean.
    for at in range(start, len(stages) - 1):
        one, pool = stages[at : at + 2]
        if isinstance(one, Convolution) and _of_one_cell(one) and _is_mean(pool):
            stages[at : at + 2] = [pool, one]
            sides[at + 1], maps[at + 1] = sides[at + 2], maps[at]
    start = next((n for n in range(start, len(stages)) if isinstance(stages[n], Convolution)), len(stages))
    # Of a network that is linear altogether its first convolution stays.
    start = max(start, 1)
    for at in range(len(stages) - 1, start - 1, -1):
        one = stages[at]
        size = maps[at] * sides[at] ** 2
        if size * len(first.bias) > MOST_WEIGHTS or (isinstance(one, Convolution) and one.paired):
            break
        grid = first.weight.reshape(len(first.bias), maps[at + 1], sides[at + 1], sides[at + 1])
        if isinstance(one, Convolution):
            bias = 0 if one.bias is None else (grid * _map(one.bias)).sum((1, 2, 3))
            name = f"{one.name}, {first.name}" if len(head) or one.name != first.name else one.name
            first = Affine(name, _back(one, grid, sides[at]).reshape(-1, size), first.bias + bias)
        else:
            assert isinstance(one, Pool)  # noqa: S101 - a mean pool
            kernel = np.full((maps[at], 1, one.places, one.places), 1 / one.places**2)
            mean = Convolution(one.name, kernel, None, stride=one.stride, groups=maps[at])
            first = replace(first, weight=_back(mean, grid, sides[at]).reshape(-1, size))
        del stages[at]
    return [*stages, first, *head[1:]]


def _is_mean(one: Layer) -> bool:
    return isinstance(one, Pool) and one.kind is PoolKind.MEAN


def _of_one_cell(one: Convolution) -> bool:
    """Whether each of its cells sees one cell, and all do the same."""
    alike = one.bias is None or one.bias.ndim == 1
    return (one.kernel, one.stride, one.padding, one.behind) == (1, 1, 0, 0) and alike


def _back(layer: Convolution, grid: F64, side: int) -> F64:
    """The weights (n, inputs, side, side) of a convolution's input, for those (n, filters, o, o) of its output."""
    outputs, wide = grid.shape[-1], layer.padding + side + max(layer.behind, 0)
    inputs = layer.weight.shape[1]
    made = np.zeros((len(grid), inputs * layer.groups, wide, wide))
    for group, (weight, part) in enumerate(
        zip(np.split(layer.weight, layer.groups), np.split(grid, layer.groups, 1), strict=True)
    ):
        for row, column in np.ndindex(layer.kernel, layer.kernel):
            cells = [slice(at, at + (outputs - 1) * layer.stride + 1, layer.stride) for at in (row, column)]
            made[:, group * inputs : (group + 1) * inputs, cells[0], cells[1]] += np.einsum(
                "nfyx,fi->niyx", part, weight[:, :, row, column], optimize=True
            )
    inside = slice(layer.padding, layer.padding + side)
    return made[:, :, inside, inside]


def same_activation(layers: Sequence[Layer]) -> list[Layer]:
    """The layers without activations that change nothing: a clip behind the same one, with pools between."""
    found: list[Layer] = []
    last = ""
    for one in layers:
        if isinstance(one, Activation):
            if one.kind == last and last in ("relu", "relu6", "hardtanh"):
                continue
            last = one.kind
        elif not isinstance(one, Pool):
            last = ""
        found.append(one)
    return found
