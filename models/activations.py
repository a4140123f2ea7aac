"""The activations of a network: one table. Each is a function f(z) = rest + factor(z) · z (docs/mathematics.md, 2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.errors import ArchitectureError

_Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Activation:
    """f(z) = rest + part(z), where part(0) = 0.

    Attributes
    ----------
    name
        As a card and ``--stages`` spell it, with its parameter if it has one: ``leaky=0.01``.
    words
        As people call it.
    part
        The function without ``rest``; it may write into its second argument, as numpy's functions do with ``out``.
    slope
        The limit of part(z) / z at 0; at a kink that of the left side.
    rest
        f(0).
    rises
        Whether f never falls. Then it commutes with a max-pool.
    gate
        Whether f(c·z) = c·f(z) for c > 0. Then the factor is the derivative, and a ledger the network's local linear
        map. With others the factor is the slope of a secant: the line from f(0) to f(z).
    parameter
        Of its function, if it has one.
    onnx, torch
        The names of ONNX' operator and of PyTorch's module; None if there is none of its own.
    """

    name: str
    words: str
    part: Callable[[_Array, _Array | None], _Array]
    slope: float
    rest: float = 0.0
    rises: bool = True
    gate: bool = False
    parameter: float | None = None
    onnx: str | None = None
    torch: str = "Identity"

    def __call__(self, z: _Array, out: _Array | None = None) -> _Array:
        """f(z), into ``out`` if it is given."""
        made = self.part(z, out)
        return np.add(made, self.rest, out=out) if self.rest else made

    def factor(self, z: _Array) -> NDArray[Any]:
        """φ(z) with f(z) = rest + φ(z) · z. Of ReLU it is Boolean: whether the gate is open."""
        if self is RELU:
            return z > 0
        if self is NONE:
            return np.ones_like(z)
        made: _Array = np.divide(self.part(z, None), z, out=np.full_like(z, self.slope), where=z != 0)
        return made


def _leaky(slope: float) -> Callable[[_Array, _Array | None], _Array]:
    return lambda z, out: np.multiply(z, np.where(z > 0, z.dtype.type(1), z.dtype.type(slope)), out=out)


def _elu(alpha: float) -> Callable[[_Array, _Array | None], _Array]:
    return lambda z, out: np.add(np.maximum(z, 0), alpha * np.expm1(np.minimum(z, 0)), out=out)


def _same(z: _Array, out: _Array | None) -> _Array:
    if out is None or out is z:
        return z
    out[...] = z
    return out


# The sigmoid is ½ + ½·tanh(z/2): so its factor has no cancellation.
_PLAIN = (
    NONE := Activation("none", "none", _same, 1.0, gate=True, onnx="Identity", torch="Identity"),
    RELU := Activation(
        "relu", "ReLU", lambda z, out: np.maximum(z, 0, out=out), 0.0, gate=True, onnx="Relu", torch="ReLU"
    ),
    Activation("relu6", "ReLU6", lambda z, out: np.clip(z, 0, 6, out=out), 0.0, torch="ReLU6"),
    Activation("hardtanh", "hard tanh", lambda z, out: np.clip(z, -1, 1, out=out), 1.0, torch="Hardtanh"),
    Activation("tanh", "tanh", lambda z, out: np.tanh(z, out=out), 1.0, onnx="Tanh", torch="Tanh"),
    Activation(
        "sigmoid",
        "sigmoid",
        lambda z, out: np.multiply(np.tanh(z / 2), 0.5, out=out),
        0.25,
        0.5,
        onnx="Sigmoid",
        torch="Sigmoid",
    ),
    Activation(
        "silu",
        "SiLU",
        lambda z, out: np.multiply(z, 0.5 + 0.5 * np.tanh(z / 2), out=out),
        0.5,
        rises=False,
        torch="SiLU",
    ),
    Activation(
        "hardswish",
        "hard swish",
        lambda z, out: np.multiply(z, np.clip(z + 3, 0, 6) / 6, out=out),
        0.5,
        rises=False,
        onnx="HardSwish",
        torch="Hardswish",
    ),
)
ACTIVATIONS = {activation.name: activation for activation in _PLAIN}
# Those with a parameter: its usual value, its bounds, and what makes them.
PARAMETERS: dict[str, tuple[float, float, float, Callable[[float, str], Activation]]] = {
    "leaky": (
        0.01,
        0.0,
        1.0,
        lambda slope, name: Activation(
            name,
            f"leaky ReLU ({slope:g})",
            _leaky(slope),
            slope,
            gate=True,
            parameter=slope,
            onnx="LeakyRelu",
            torch="LeakyReLU",
        ),
    ),
    "elu": (
        1.0,
        0.0,
        10.0,
        lambda alpha, name: Activation(
            name, f"ELU ({alpha:g})", _elu(alpha), alpha, parameter=alpha, onnx="Elu", torch="ELU"
        ),
    ),
}
NAMES = f"{', '.join([*ACTIVATIONS, 'leaky=SLOPE'])} or elu=ALPHA"
_SPELLED = re.compile(r"([a-z0-9]+)(?:=([0-9.e+-]{1,24}))?", re.ASCII)


@lru_cache(maxsize=128)
def activation(spelled: str) -> Activation:
    """The activation of this name, such as ``tanh`` or ``leaky=0.01``.

    Raises
    ------
    ArchitectureError
        There is none, or its parameter is out of range.
    """
    if spelled in ACTIVATIONS:
        return ACTIVATIONS[spelled]
    match = _SPELLED.fullmatch(spelled)
    if match is None or match[1] not in PARAMETERS:
        raise ArchitectureError(f"an activation must be {NAMES}, not {spelled[:40]!r}")
    usual, least, most, made = PARAMETERS[match[1]]
    try:
        value = usual if match[2] is None else float(match[2])
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ArchitectureError(f"the parameter of {match[1]} must be from {least:g} to {most:g}, not {match[2]}")
    return made(value, spelled)
