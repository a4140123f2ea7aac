"""A network from a file of any kind that is read here, recognised by its content."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from konkyo.models.architecture import Stage
from konkyo.models.classes import Names
from konkyo.models.files import reading
from konkyo.models.files.card import ImportCard
from konkyo.models.files.checkpoint import MOST_BYTES, MOST_HEADER
from konkyo.models.hiding.cost import passes_refusal
from konkyo.models.network import Network
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing import building, state_dict, torch_file
from konkyo.trainer.importing.chain import Chain
from konkyo.trainer.importing.pixels import Asked, Pixels, found, of_range, settled

_EXPORT = "model.export('network.onnx', format='onnx') writes what is read here"


@dataclass(frozen=True)
class ImportOptions:
    """What a file may leave open.

    Attributes
    ----------
    stages
        Of a state dict.
    side
        Of the images, where a graph takes any; of a state dict 28 by default.
    pixels
        What of a pixel enters.
    classes
        Their names; by default numbers.
    where
        Where it was asked, for messages.
    """

    stages: Sequence[Stage] | None = None
    side: int | None = None
    pixels: Pixels | None = None
    classes: Names | None = None
    where: Asked = Asked.COMMAND


@dataclass(frozen=True)
class Imported:
    """A network, and what its card says of the file."""

    network: Network
    card: ImportCard

    def called(self, classes: Names) -> "Imported":
        """The same with other names of the classes."""
        network = self.network
        return Imported(Network(network.architecture, network.weights, classes, network.border), self.card)


def read(path: Path, asked: ImportOptions) -> Imported:
    """The network of a file: ONNX, safetensors or PyTorch's own.

    Raises
    ------
    NetworkFileError
        The file holds no network of stages, or leaves open what was not asked for either. The message is one line.
    OSError
        It cannot be read.
    """
    data = reading.read(path, MOST_BYTES)
    try:
        return _read(path, data, asked)
    except NetworkFileError as error:
        raise NetworkFileError(f"{path.name}: {error}") from error


# Numbers that are not finite go through without a warning, and are refused where the network is made.
@np.errstate(all="ignore")
def _read(path: Path, data: bytes, asked: ImportOptions) -> Imported:
    kind = _kind(path, data)
    if kind == "ONNX":
        return _onnx(path, data, asked)
    if kind == "safetensors":
        chain = state_dict.chain(state_dict.read_safetensors(data), asked.stages, asked.side, in_order=False)
    else:
        chain = state_dict.chain(torch_file.read(data), asked.stages, asked.side, in_order=True)
    pixels = settled(chain, asked.pixels, None, asked.where)
    network, folded = _network(chain, pixels, asked.classes)
    return Imported(network, _card(path, data, kind, "not stated", pixels, folded))


def _onnx(path: Path, data: bytes, asked: ImportOptions) -> Imported:
    if asked.stages is not None:
        raise NetworkFileError("an ONNX file says its stages itself; leave --stages out")
    try:
        from konkyo.trainer.importing.from_onnx import comparing, graph, onnx_file
    except ModuleNotFoundError as error:
        raise NetworkFileError(
            f"the package {error.name} is not installed; `pip install 'konkyo[import]'` installs it"
        ) from error
    file = onnx_file.parse(data, path.parent)
    read = graph.read(file, asked.side)
    known = of_range(0, 255, "the input takes bytes") if read.bytes_in else found(read.chain)
    pixels = settled(read.chain, asked.pixels, known, asked.where)
    count = comparing.affordable(read)
    network, folded = _network(read.chain, pixels, asked.classes)
    difference = comparing.difference(read, network, pixels, count)
    card = _card(path, data, "ONNX", file.made_by, pixels, folded)
    return Imported(
        network,
        card.model_copy(update={"difference": difference, "compared": 0 if difference is None else count}),
    )


def _network(chain: Chain, pixels: Pixels, classes: Names | None) -> tuple[Network, tuple[str, ...]]:
    network, folded = building.network(pixels.before(chain))
    too_much = passes_refusal(network.architecture, ledger=False)
    if too_much:
        raise NetworkFileError(f"{too_much}; fewer or smaller layers, or smaller images, fit")
    count = len(network.classes)
    if classes is not None:
        if len(classes) != count:
            raise NetworkFileError(f"it has {count} classes, and there are {len(classes)} names; as many fit")
        network = Network(network.architecture, network.weights, classes, network.border)
    return network, folded


def _card(path: Path, data: bytes, kind: str, made_by: str, pixels: Pixels, folded: tuple[str, ...]) -> ImportCard:
    return ImportCard(
        file=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        format=kind,
        made_by=made_by,
        mean=pixels.mean,
        std=pixels.std,
        range_by=pixels.by,
        folded=folded,
        difference=None,
        compared=0,
    )


def _kind(path: Path, data: bytes) -> str:
    """``ONNX``, ``safetensors`` or ``PyTorch``, by the first bytes."""
    if data.startswith(b"PK\x03\x04"):
        if path.suffix == ".keras":
            raise NetworkFileError(f"it is Keras' own format; {_EXPORT}")
        if path.suffix == ".onnx":
            raise NetworkFileError(
                "it is called .onnx and is an archive, as PyTorch saves; torch.onnx.export writes ONNX"
            )
        return "PyTorch"
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise NetworkFileError(f"it is HDF5, as Keras saves; {_EXPORT}")
    if data[4:8] == b"TFL3":
        raise NetworkFileError("it is of TensorFlow Lite; the network that it was made from, as ONNX, fits")
    if data[:1] == b"\x80" and data[1:2] <= b"\x05":
        raise NetworkFileError(
            "it is a pickle, which can hold code and is not read; torch.save(network.state_dict(), …) of PyTorch 1.6 "
            "or later, safetensors or ONNX fits"
        )
    length = int.from_bytes(data[:8], "little")
    if data[8:9] == b"{" and (length <= MOST_HEADER or path.suffix == ".safetensors"):
        return "safetensors"
    if path.suffix in (".safetensors", ".pt", ".pth"):
        raise NetworkFileError(f"it is called {path.suffix} and holds something else; save it again")
    return "ONNX"
