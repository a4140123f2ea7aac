"""The stages and head that a chain of layers amounts to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture, PoolKind, Stage, Wiring
from konkyo.models.architecture import Pool as StagePool
from konkyo.models.errors import ArchitectureError
from konkyo.models.network import Network
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import Activation, Affine, Chain, Convolution, Layer, Pool, Sum
from konkyo.trainer.importing.folding import folded, same_activation


def network(chain: Chain, classes: tuple[str, ...] | None = None) -> tuple[Network, tuple[str, ...]]:
    """The network that a chain amounts to, in float32, and notes on what was folded.

    Raises
    ------
    NetworkFileError
        The layers are no stages and head, or beyond the limits. The message names the layer.
    """
    layers, border, notes = folded(chain)
    for one in layers:
        if isinstance(one, Activation):
            try:
                activation(one.kind)
            except ArchitectureError as error:
                raise NetworkFileError(f"{one.name}: {error}") from error
    layers = same_activation(layers)
    end = next((n for n, one in enumerate(layers) if isinstance(one, Affine)), len(layers))
    stages, convolutions = _stages(layers[:end])
    affine, between, two = _head(layers[end:])
    if not stages:
        first = f"{layers[0].name}: stands first" if layers else "it holds no layer"
        raise NetworkFileError(f"{first}; convolutions, then affine layers, fit")
    notes += two
    hidden = tuple(len(one.bias) for one in affine[:-1])
    try:
        architecture = Architecture(stages, chain.side, chain.channels, hidden, len(affine[-1].bias), between)
    except ArchitectureError as error:
        raise NetworkFileError(f"its layers make no network: {error}") from error
    weights: dict[str, NDArray[Any]] = {}
    named: dict[str, str] = {}
    for number, convolution in convolutions.items():
        weights[f"conv{number}.weight"] = convolution.weight
        if convolution.bias is not None:
            weights[f"conv{number}.bias"] = convolution.bias
        named |= dict.fromkeys((f"conv{number}.weight", f"conv{number}.bias"), convolution.name)
    for (name, *_), one in zip(architecture.head, affine, strict=True):
        weights |= {f"{name}.weight": one.weight, f"{name}.bias": one.bias}
        named |= dict.fromkeys((f"{name}.weight", f"{name}.bias"), one.name)
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


def _stages(layers: Sequence[Layer]) -> tuple[tuple[Stage, ...], dict[int, Convolution]]:
    """The stages, and their convolutions by the number of the stage, from 1.

    A stage takes layers as long as they follow in its order: convolution, activation, pool, activation. A sum is its
    input, and a stage of its own where nothing follows it in its part.
    """
    stages: list[Stage] = []
    convolutions: dict[int, Convolution] = {}
    filled = 4  # how much of the last stage is taken
    ends: list[int] = []  # the layers, as stages count them, that the parts give
    sources: tuple[int, ...] = (0,)  # those whose sum stands here
    nothing = Stage(1, 0, pool=None, activation="none")
    for one in (*layers, None):
        if one is None or isinstance(one, Sum):
            if len(sources) > 1:
                stages.append(replace(nothing, sources=sources))
                sources = (len(stages),)
            if one is not None:
                ends.append(sources[0])
                sources, filled = tuple(ends[part] for part in one.of), 4
            continue
        if isinstance(one, Convolution):
            place = 0
        elif isinstance(one, Pool):
            place = 2
        else:
            place = 3 if filled in (2, 3) else 1
        if place < filled:
            # The layer before is said by nothing.
            stages.append(replace(nothing, sources=() if sources == (len(stages),) else sources))
            sources = (len(stages),)
        if isinstance(one, Convolution):
            convolutions[len(stages)] = one
            stages[-1] = Stage(
                len(one.weight),
                one.kernel,
                one.padding,
                None,
                Wiring.PAIRED if one.paired else Wiring.SUMMED,
                one.bias is not None,
                one.stride,
                one.behind,
                one.groups,
                one.bias is not None and one.bias.ndim == 3,
                "none",
                sources=stages[-1].sources,
            )
        elif isinstance(one, Pool):
            stages[-1] = replace(stages[-1], pool=StagePool(one.places, one.stride, one.kind))
        elif isinstance(one, Activation):
            # One that never falls does the same before a max-pool and behind it.
            last = stages[-1]
            before = place == 1 or (
                last.activation == "none"
                and last.pool is not None
                and last.pool.kind is PoolKind.MAX
                and activation(one.kind).rises
            )
            stages[-1] = replace(last, activation=one.kind) if before else replace(last, after=one.kind)
        filled = place + 1
    return tuple(stages), convolutions


def _head(layers: Sequence[Layer]) -> tuple[list[Affine], str, tuple[str, ...]]:
    """The affine layers, those without an activation between them as one; the activation of all; and a note."""
    if not layers:
        raise NetworkFileError("no affine layer stands behind the convolutions; flatten, then one for the classes fits")
    found: list[Affine] = []
    between: list[Activation] = []
    for number, one in enumerate(layers):
        if isinstance(one, Affine):
            if number and isinstance(layers[number - 1], Affine):
                last = found.pop()
                one = Affine(one.name, one.weight @ last.weight, one.weight @ last.bias + one.bias)
            found.append(one)
        elif isinstance(one, Activation):
            between.append(one)
            if number and isinstance(layers[number - 1], Activation):
                raise NetworkFileError(f"{one.name}: is a second activation of one affine layer; one fits")
        else:
            raise NetworkFileError(f"{one.name}: stands behind an affine layer; affine layers and activations fit")
    notes: tuple[str, ...] = ()
    if isinstance(last_one := layers[-1], Activation):
        if last_one.kind != "sigmoid" or len(found[-1].bias) > 1:
            raise NetworkFileError(
                f"{last_one.name}: is an activation of the logits; an affine layer without one, for the classes, fits, "
                "and softmax behind it"
            )
        between.pop()
        one = found.pop()
        nothing = np.zeros_like(one.weight)
        found.append(Affine(one.name, np.concatenate([nothing, one.weight]), np.append(0, one.bias)))
        notes = (f"{last_one.name}, of one output, as two classes: the first has the logit 0, the second the output",)
    elif len(found[-1].bias) == 1:
        raise NetworkFileError(
            f"{found[-1].name}: has one output; a sigmoid behind it, which makes two classes of it, fits, or an output "
            "for each class"
        )
    for one in between:
        if one.kind != between[0].kind:
            raise NetworkFileError(
                f"{one.name}: is another activation than {between[0].name}; the same behind each hidden affine layer "
                "fits"
            )
    return found, between[0].kind if between else "relu", notes
