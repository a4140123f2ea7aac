"""A state dict: its arrays, whose names and shapes say which layers they are of. The rest says ``--stages``."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from konkyo.models.architecture import CHANNELS, IMAGE_SIDE, SIDES, Architecture, Stage, written_stages
from konkyo.models.architecture import Pool as MaxPool
from konkyo.models.errors import ArchitectureError
from konkyo.models.files.checkpoint import MOST_HEADER
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import F64, Activation, Affine, Chain, Convolution, Layer, Pool, Scaling

Arrays = Mapping[str, NDArray[Any]]

# PyTorch's, which state dicts do not hold.
EPSILON = 1e-5
_FLOATS = {"F16", "F32", "F64"}
_PREFIXES = "module.", "_orig_mod.", "model."
_NORMALISATION = {"weight", "bias", "running_mean", "running_var"}
_LISTED = 12
_SUGGESTED = 4


@dataclass(frozen=True)
class _Group:
    """The arrays of one layer, by the last part of their names."""

    name: str
    arrays: Arrays

    @property
    def kind(self) -> str:
        """``convolution``, ``affine`` or ``normalisation``; empty if it is none of them."""
        if "running_mean" in self.arrays and "running_var" in self.arrays and {*self.arrays} <= _NORMALISATION:
            return "normalisation"
        axes = self.arrays["weight"].ndim if "weight" in self.arrays and {*self.arrays} <= {"weight", "bias"} else 0
        return {4: "convolution", 2: "affine"}.get(axes, "")

    @property
    def outputs(self) -> int:
        return len(self.arrays["running_mean" if self.kind == "normalisation" else "weight"])

    @property
    def inputs(self) -> int:
        return int(self.arrays["weight"].shape[1])

    @property
    def weight(self) -> F64:
        """Of a convolution or an affine layer, which have one."""
        return self.arrays["weight"].astype(np.float64)

    def get(self, part: str) -> F64 | None:
        return self.arrays[part].astype(np.float64) if part in self.arrays else None

    def one(self, part: str, default: float) -> F64:
        found = self.get(part)
        return np.full(self.outputs, default) if found is None else found


def read_safetensors(data: bytes) -> Arrays:
    """The arrays of a safetensors file.

    Raises
    ------
    NetworkFileError
        Not such a file, or other values than floats.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        if length > MOST_HEADER:
            raise NetworkFileError(f"it has a header of {length:,} bytes; at most {MOST_HEADER:,} are read")
        header = json.loads(data[8 : 8 + length])
        for name, one in header.items():
            if name != "__metadata__" and one["dtype"] not in _FLOATS and not name.endswith("num_batches_tracked"):
                raise NetworkFileError(f"{_shown(name)} holds values of {str(one['dtype'])[:10]}; F32, F64 and F16 fit")
        # The library gives them in any order.
        return dict(sorted(load(data).items(), key=lambda item: _natural(item[0])))
    except (ValueError, RecursionError, SafetensorError, TypeError, AttributeError, KeyError) as error:
        raise NetworkFileError("it is no safetensors file; safetensors.torch.save_file writes one") from error


def chain(arrays: Arrays, stages: Sequence[Stage] | None, side: int | None, *, in_order: bool) -> Chain:
    """The chain of layers of a state dict.

    Parameters
    ----------
    arrays
        By name.
    stages
        What the names do not say: padding, pool and wiring. Filters and kernels must be those of the arrays.
    side
        Of the image; 28 by default.
    in_order
        Whether the arrays stand in the order of the layers.

    Raises
    ------
    NetworkFileError
        Arrays that are of no such layer, or that fit neither each other nor the stages. The message says which would.
    """
    groups = list(_groups(arrays))
    holds = _holds(arrays)
    for group in groups:
        if not group.kind:
            shapes = ", ".join(f"{group.name}.{part} {array.shape}" for part, array in group.arrays.items())
            raise NetworkFileError(
                f"{_shown(shapes)} is of no convolution (filters, inputs, side, side), affine layer (outputs, inputs) "
                f"or batch normalisation (weight, bias, running_mean, running_var); {holds}"
            )
        for part, array in group.arrays.items():
            wanted = array.shape if part == "weight" and group.kind != "normalisation" else (group.outputs,)
            if array.shape != wanted:
                raise NetworkFileError(f"{_shown(group.name)}.{part} has shape {array.shape}; {wanted} fits its layer")
    convolutions = _ordered([one for one in groups if one.kind == "convolution"], in_order)
    affine = _ordered([one for one in groups if one.kind == "affine"], in_order)
    if not convolutions:
        raise NetworkFileError(f"it lacks weights (filters, inputs, side, side) of a convolution; {holds}")
    channels = convolutions[0].inputs
    if channels not in CHANNELS:
        raise NetworkFileError(f"{_shown(convolutions[0].name)}.weight takes {channels} channels; 1 or 3 fit")
    if stages is None:
        raise NetworkFileError(_proposal(convolutions, affine, channels, side or IMAGE_SIDE))
    _check_stages(convolutions, stages)
    if affine:
        _check_head(stages, channels, side or IMAGE_SIDE, affine[0])
    behind = _attached(groups, [*convolutions, *affine], in_order)
    layers: list[Layer] = []
    notes = []
    # Nothing says that of hidden layers; that of the last stage is what most networks have there.
    between = next((stage.activation for stage in reversed(stages) if stage.activation != "none"), "relu")
    left = iter(convolutions)
    for number, stage in enumerate(stages, 1):
        name = f"stage {number}"
        if stage.kernel:
            group = next(left)
            layers.append(
                Convolution(
                    group.name,
                    group.weight,
                    group.get("bias"),
                    stage.padding,
                    stage.behind,
                    stage.stride,
                    stage.groups,
                    stage.paired,
                )
            )
            layers += _scaling(behind, group)
        layers += _activation(f"the activation of {name}", stage.activation)
        if stage.pool:
            layers.append(Pool(f"the pool of {name}", stage.pool.side, stage.pool.stride, stage.pool.kind))
        layers += _activation(f"the activation behind the pool of {name}", stage.after)
    for number, group in enumerate(affine, 1):
        layers.append(Affine(group.name, group.weight, group.one("bias", 0)))
        layers += _scaling(behind, group)
        layers += _activation(f"the activation of {group.name}", between) if number < len(affine) else []
    if len(affine) > 1 and between != "relu":
        notes.append(f"{between} was taken to stand behind each hidden affine layer, as in the stages")
    if behind:
        notes.append(
            f"batch normalisation was taken to stand directly behind its layer, with an epsilon of {EPSILON:g}"
        )
    return Chain(tuple(layers), side or IMAGE_SIDE, channels, tuple(notes))


def _groups(arrays: Arrays) -> Iterator[_Group]:
    """The arrays by layer, in the order of the file."""
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        layer, _, part = name.rpartition(".")
        if part != "num_batches_tracked":
            found.setdefault(layer or part, {})[part] = array
    return (_Group(layer, parts) for layer, parts in found.items())


def _ordered(groups: list[_Group], in_order: bool) -> list[_Group]:
    """Layers of one kind in the order of the network: by name, as far as each gets what the one before makes."""
    if in_order or not 1 < len(groups) <= 6:
        return groups
    named = sorted(groups, key=lambda group: _natural(group.name))
    for order in permutations(named):
        if all(_follows(one, two) for one, two in pairwise(order)) and (
            order[0].kind == "affine" or order[0].inputs in CHANNELS
        ):
            return list(order)
    return named


def _follows(one: _Group, two: _Group) -> bool:
    """Whether a layer can take what another makes; a convolution in groups takes a part of it for each filter."""
    return one.outputs == two.inputs or (two.kind == "convolution" and one.outputs % two.inputs == 0)


def _natural(name: str) -> list[tuple[str, int]]:
    """``layer10.1`` behind ``layer2.0``."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d{0,9})", name)]


def _attached(groups: Sequence[_Group], layers: Sequence[_Group], in_order: bool) -> dict[str, _Group]:
    """The batch normalisation behind each layer, by the layer's name.

    In a file in order it is behind the layer before it. Else its name tells: ``layer1.1`` is behind ``layer1.0``,
    ``bn1`` behind ``conv1``.
    """
    found: dict[str, _Group] = {}
    for place, group in enumerate(groups):
        if group.kind != "normalisation":
            continue
        if in_order:
            candidates = [one for one in groups[:place] if one.kind != "normalisation"][-1:]
        else:
            candidates = _same_folder(group, layers) or _same_number(group, layers)
        fitting = [one for one in candidates if one.outputs == group.outputs and one.name not in found]
        if not fitting:
            raise NetworkFileError(
                f"{_shown(group.name)} is a batch normalisation, and nothing says which layer it stands behind; ONNX "
                "does: torch.onnx.export writes it"
            )
        found[fitting[-1].name] = group
    return found


def _same_folder(group: _Group, layers: Sequence[_Group]) -> list[_Group]:
    folder, _, number = group.name.rpartition(".")
    if not number.isdecimal():
        return []
    parts = [(one, one.name.rpartition(".")) for one in layers]
    before = [(int(part[2]), one) for one, part in parts if part[0] == folder and part[2].isdecimal()]
    return [one for place, one in sorted(before, key=lambda pair: pair[0]) if place < int(number)][-1:]


def _same_number(group: _Group, layers: Sequence[_Group]) -> list[_Group]:
    numbers = re.findall(r"\d+", group.name)
    return [one for one in layers if re.findall(r"\d+", one.name) == numbers and one.outputs == group.outputs][:1]


def _scaling(behind: dict[str, _Group], layer: _Group) -> list[Layer]:
    group = behind.get(layer.name)
    if group is None:
        return []
    scale = group.one("weight", 1) / np.sqrt(group.one("running_var", 1) + EPSILON)
    shift = group.one("bias", 0) - group.one("running_mean", 0) * scale
    shape = (-1, 1, 1) if layer.kind == "convolution" else (-1,)
    return [Scaling(group.name, scale.reshape(shape), shift.reshape(shape))]


def _activation(name: str, kind: str) -> list[Layer]:
    return [] if kind == "none" else [Activation(name, kind)]


def _check_stages(convolutions: Sequence[_Group], stages: Sequence[Stage]) -> None:
    with_kernels = [(number, stage) for number, stage in enumerate(stages, 1) if stage.kernel]
    if len(with_kernels) != len(convolutions):
        names = ", ".join(one.name for one in convolutions)
        raise NetworkFileError(
            f"--stages has {len(with_kernels)}, and the file {len(convolutions)} convolutions ({_shown(names)}); as "
            "many fit"
        )
    for group, (number, stage) in zip(convolutions, with_kernels, strict=True):
        if stage.sources or stage.bias_map:
            raise NetworkFileError(
                f"stage {number} of --stages is {written_stages([stage])}; of a state dict stages that follow one "
                "another, with one bias a filter, fit"
            )
        filters, _, kernel, width = group.arrays["weight"].shape
        if kernel != width or (filters, kernel) != (stage.filters, stage.kernel):
            raise NetworkFileError(
                f"stage {number} of --stages has {stage.filters} filters of {stage.kernel}×{stage.kernel}, and "
                f"{_shown(group.name)}.weight has {filters} of {kernel}×{width}; the same fit"
            )


def _check_head(stages: Sequence[Stage], channels: int, side: int, first: _Group) -> None:
    made = _features(stages, channels, side)
    if made != first.inputs:
        fitting = [str(one) for one in SIDES if _features(stages, channels, one) == first.inputs]
        would = f"--side {' or '.join(fitting)} fits" if fitting else "other paddings, strides or pools in --stages fit"
        raise NetworkFileError(
            f"{_shown(first.name)} takes {first.inputs:,} values, and of images of {side}×{side} these stages make "
            f"{made or 'none'}; {would}"
        )


def _features(stages: Sequence[Stage], channels: int, side: int) -> int:
    try:
        return Architecture(tuple(stages), side, channels).features
    except ArchitectureError:
        return 0


def _proposal(convolutions: Sequence[_Group], affine: Sequence[_Group], channels: int, side: int) -> str:
    """That stages must be given, and which fit what the first affine layer takes."""
    shapes = [group.arrays["weight"].shape for group in convolutions]
    found = []
    if affine and len(shapes) <= 6:
        kinds = [
            [(0, True), (0, False), *(((k // 2, True), (k // 2, False)) if k > 1 else ())] for _, _, k, _ in shapes
        ]
        for chosen in product(*kinds):
            stages = [
                Stage(f, k, padding, MaxPool() if pool else None)
                for (f, _, k, _), (padding, pool) in zip(shapes, chosen, strict=True)
            ]
            if _features(stages, channels, side) == affine[0].inputs:
                found.append(written_stages(stages))
    listed = " and ".join(found[:_SUGGESTED])
    fit = f": what {_shown(affine[0].name)} takes fits {listed} with images of {side}×{side}" if found else ""
    return (
        "a state dict says neither paddings, strides, pools nor activations; say them with --stages, such as "
        f"--stages 16k5p2,32k5p2 (filters, kernel, padding; n without a pool){fit}"
    )


def _holds(arrays: Arrays) -> str:
    listed = [f"{name} {'×'.join(map(str, array.shape))}" for name, array in list(arrays.items())[:_LISTED]]
    more = f", and {len(arrays) - _LISTED} more" if len(arrays) > _LISTED else ""
    return f"it holds {_shown(', '.join(listed), 600) or 'nothing'}{more}"


def _shown(text: str, most: int = 200) -> str:
    clean = "".join(one if one.isprintable() else "?" for one in text[:most])
    return f"{clean}…" if len(text) > most else clean
