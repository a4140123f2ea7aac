"""Reads, checks and writes checkpoints: a safetensors file and its model card."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as deserialize
from safetensors.numpy import save as serialize

from konkyo.models.architecture import Architecture
from konkyo.models.errors import CheckpointError
from konkyo.models.files import probe, reading
from konkyo.models.files.card import Card, Document, completed
from konkyo.models.network import Network

SUFFIX = ".safetensors"
# The study of a checkpoint, see models/files/usage_file.py. It is deleted when the checkpoint is replaced.
USAGE_SUFFIX = ".usage.json"
# The trainer's search for the smallest network, beside the checkpoints.
SEARCH_FILE = "search.json"
DIRECTORY = Path(__file__).parents[1]

# The only key of the safetensors metadata. Its value is the document as JSON, since metadata holds strings only.
_METADATA_KEY = "konkyo"
# Bytes of a checkpoint that are read at most, and of its header and of a card.
MOST_BYTES = 64 * 2**20
MOST_HEADER = 2**20


@dataclass(frozen=True)
class Checkpoint:
    """A network with its model card, which is of this version: an older card is completed with MNIST's values."""

    name: str
    network: Network
    card: Card

    @property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint file."""
        return self.card.sha256

    @cached_property
    def precise(self) -> Network:
        """The network in float64. Explanations are differences, in which float32 would lose digits."""
        return self.network.astype(np.float64)


def save(directory: Path, network: Network, document: Document) -> Checkpoint:
    """Write ``NAME.safetensors`` and ``NAME.json``. An older pair is replaced, and its study is deleted.

    Parameters
    ----------
    directory
        The folder; it is made if it is missing.
    network
        Its weights are written as float32.
    document
        The card without the hash.

    Raises
    ------
    CheckpointError
        ``load`` would refuse the checkpoint. Nothing is replaced.
    """
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: np.ascontiguousarray(array, np.float32) for name, array in network.weights.items()}
    spelled = document.model_dump(mode="json")
    data = serialize(weights, {_METADATA_KEY: json.dumps(spelled)})
    card = {**spelled, "sha256": hashlib.sha256(data).hexdigest()}
    # Both files are written to a temporary folder and read back before they replace an older pair.
    with TemporaryDirectory(prefix=".saving-", dir=directory) as aside:
        fresh = Path(aside) / f"{document.name}{SUFFIX}"
        fresh.write_bytes(data)
        fresh.with_suffix(".json").write_text(pretty(card), encoding="utf-8")
        saved = load(fresh)
        for path in (fresh, fresh.with_suffix(".json")):
            path.replace(directory / path.name)
        (directory / f"{saved.name}{USAGE_SUFFIX}").unlink(missing_ok=True)
    return saved


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and its card, and check everything that can be checked.

    Raises
    ------
    CheckpointError
        Not safetensors; another format version; a tensor that is missing, unknown, of another shape or dtype, or not
        finite; a card that is missing, differs, or has another hash; another answer to the probe. The message names
        the file and the field. Every change of a single byte is refused.
    """
    try:
        data = reading.read(path, MOST_BYTES)
        metadata = _header(data).get("__metadata__")
        # The last of these: a dtype that numpy lacks.
        tensors = deserialize(data)
    except (OSError, ValueError, RecursionError, SafetensorError, TypeError, AttributeError, KeyError) as error:
        raise CheckpointError(path.name, "file", f"not a readable safetensors file ({error})") from error
    spelled = _document(path, metadata)
    try:
        document = completed(spelled)
    except CheckpointError as error:
        raise CheckpointError(path.name, error.field, error.message) from error
    if document.name != path.stem:
        raise CheckpointError(path.name, "name", f"is {document.name!r}, but the file is called {path.stem!r}")
    _check_tensors(path, document.architecture, tensors)
    sha256 = hashlib.sha256(data).hexdigest()
    _check_card(path, spelled, sha256)
    network = Network(document.architecture, tensors, document.classes, document.input.border)
    wrong = probe.failure(network, document.probe)
    if wrong is not None:
        raise CheckpointError(path.name, "probe", wrong)
    return Checkpoint(path.stem, network, Card(**dict(document), sha256=sha256))


def load_all(directory: Path = DIRECTORY) -> dict[str, Checkpoint]:
    """Load every checkpoint of a directory: name → checkpoint, in alphabetical order.

    Raises
    ------
    CheckpointError
        One of them is refused, or there are none.
    """
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    if not paths:
        raise CheckpointError(str(directory), "directory", f"holds no *{SUFFIX} file")
    return {path.stem: load(path) for path in paths}


def _header(data: bytes) -> Any:
    """The header of a safetensors file: a length of eight bytes, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if length > MOST_HEADER:
        raise ValueError(f"a header of {length:,} bytes; at most {MOST_HEADER:,} are read")
    return json.loads(data[8 : 8 + length])


def _document(path: Path, metadata: Any) -> Any:
    if not isinstance(metadata, dict) or _METADATA_KEY not in metadata:
        raise CheckpointError(path.name, "metadata", f"has no '{_METADATA_KEY}' entry: not made by Konkyo's trainer")
    try:
        document = json.loads(metadata[_METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path.name, "metadata", f"is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise CheckpointError(path.name, "metadata", f"must be an object, not {type(document).__name__}")
    return document


def _check_tensors(path: Path, architecture: Architecture, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
    shapes = architecture.tensor_shapes
    for name in sorted(shapes.keys() | tensors.keys()):
        if name not in tensors:
            raise CheckpointError(path.name, name, f"is missing; the architecture needs {shapes[name]}")
        if name not in shapes:
            raise CheckpointError(path.name, name, f"is unknown; the architecture has {', '.join(sorted(shapes))}")
        tensor = tensors[name]
        if tensor.shape != shapes[name]:
            raise CheckpointError(path.name, name, f"has shape {tensor.shape}; the architecture needs {shapes[name]}")
        if tensor.dtype != np.float32:
            raise CheckpointError(path.name, name, f"is {tensor.dtype}; weights are stored as float32")
        if not np.isfinite(tensor).all():
            raise CheckpointError(path.name, name, "holds NaN or infinity")


def _check_card(path: Path, document: Mapping[str, Any], sha256: str) -> None:
    """The card beside the checkpoint must say the same, and have the hash of the file."""
    card_path = path.with_suffix(".json")
    try:
        card: Any = json.loads(reading.read(card_path, MOST_HEADER))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(path.name, "card", f"{card_path.name} cannot be read ({error})") from error
    expected = {**document, "sha256": sha256}
    if card != expected:
        keys = sorted(dict(set(_items(expected)) ^ set(_items(card)))) if isinstance(card, dict) else ["everything"]
        raise CheckpointError(
            path.name,
            ", ".join(keys),
            f"differs between the checkpoint and {card_path.name}; restore both, or train again",
        )


def _items(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, json.dumps(value)) for key, value in document.items()]


def pretty(document: Mapping[str, Any]) -> str:
    """JSON with one line for each innermost list, so that a matrix has one line a row."""
    return _lines(document, 0) + "\n"


def _lines(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value:
        rows = (f"{inner}{json.dumps(key)}: {_lines(item, depth + 1)}" for key, item in value.items())
        return "{\n" + ",\n".join(rows) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        rows = (f"{inner}{json.dumps(item)}" for item in value)
        return "[\n" + ",\n".join(rows) + f"\n{outer}]"
    return json.dumps(value)
