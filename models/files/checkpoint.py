"""Reads, checks and writes checkpoints: a safetensors file and its model card."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as deserialize
from safetensors.numpy import save as serialize

from konkyo.models.architecture import ARCHITECTURE_FIELDS, Architecture, Wiring, of_document
from konkyo.models.classes import numbered, wrong_names
from konkyo.models.errors import ArchitectureError, CheckpointError
from konkyo.models.files import atomic, probe
from konkyo.models.files.card import (
    FORMAT_VERSION,
    OPTIONAL_WARNINGS,
    READABLE_VERSIONS,
    Card,
    Document,
    Polarity,
    Preprocessing,
    completed,
)
from konkyo.models.network import Network

SUFFIX = ".safetensors"
# The study of a checkpoint, see models/usage_file.py. It is deleted when the checkpoint is replaced.
USAGE_SUFFIX = ".usage.json"
# The trainer's search for the smallest network, beside the checkpoints.
SEARCH_FILE = "search.json"
DIRECTORY = Path(__file__).parents[1]

# The only key of the safetensors metadata. Its value is the document as JSON, since metadata holds strings only.
_METADATA_KEY = "konkyo"
# The version of the card since which a field is there, where it is not the first.
_SINCE = {"training": 2, "classes": 3, "preprocessing": 3, "polarity": 3, "warnings": 3}


@dataclass(frozen=True)
class Checkpoint:
    """A network with its model card, which is of this version: an older card is completed with MNIST's values."""

    name: str
    network: Network
    card: Card

    @property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint file."""
        return self.card["sha256"]

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
    data = serialize(weights, {_METADATA_KEY: json.dumps(document)})
    card = cast(Card, {**document, "sha256": hashlib.sha256(data).hexdigest()})
    # Both files are written to a temporary folder and read back before they replace an older pair.
    with TemporaryDirectory(prefix=".saving-", dir=directory) as aside:
        fresh = Path(aside) / f"{document['name']}{SUFFIX}"
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
        data = atomic.read(path)
        tensors = deserialize(data)
    except (OSError, SafetensorError, TypeError, AttributeError, KeyError) as error:  # the last: a dtype numpy lacks
        raise CheckpointError(path.name, "file", f"not a readable safetensors file ({error})") from error
    document = _document(path, _metadata(data))
    architecture = _architecture(path, document)
    _check_tensors(path, architecture, tensors)
    card = _card(path, document, hashlib.sha256(data).hexdigest())
    # Before version 3 no card names the classes.
    network = Network(architecture, tensors, tuple(document.get("classes", numbered(architecture.classes))))
    wrong = probe.failure(network, document["probe"])
    if wrong is not None:
        raise CheckpointError(path.name, "probe", wrong)
    return Checkpoint(path.stem, network, completed(card))


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


def _metadata(data: bytes) -> Mapping[str, str]:
    """The metadata of a safetensors file. Its header is a length of eight bytes, then JSON."""
    length = int.from_bytes(data[:8], "little")
    metadata: Mapping[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _document(path: Path, metadata: Mapping[str, str]) -> Document:
    if _METADATA_KEY not in metadata:
        raise CheckpointError(path.name, "metadata", f"has no '{_METADATA_KEY}' entry: not made by Konkyo's trainer")
    try:
        document: Any = json.loads(metadata[_METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path.name, "metadata", f"is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise CheckpointError(path.name, "metadata", f"must be an object, not {type(document).__name__}")
    version = document.get("format_version")
    if type(version) is not int or version not in READABLE_VERSIONS:
        wanted = f"{', '.join(map(str, READABLE_VERSIONS[:-1]))} or {READABLE_VERSIONS[-1]}"
        raise CheckpointError(path.name, "format_version", f"must be {wanted}, not {version!r}")
    for key in Document.__annotations__:
        if key not in document and _SINCE.get(key, 1) <= version:
            raise CheckpointError(path.name, key, "is missing from the metadata")
    accuracy = document["accuracy"]
    if not isinstance(accuracy, dict) or not isinstance(accuracy.get("test"), float) or not 0 <= accuracy["test"] <= 1:
        raise CheckpointError(path.name, "accuracy", "must hold the share of correctly predicted test images, 0…1")
    if document["name"] != path.stem:
        raise CheckpointError(path.name, "name", f"is {document['name']!r}, but the file is called {path.stem!r}")
    if version == FORMAT_VERSION:
        _check_description(path, document)
    return cast(Document, document)


def _check_description(path: Path, document: Any) -> None:
    """Check what the card says of the classes and of the data set."""
    classes, dataset = document["classes"], document["dataset"]
    wrong = wrong_names(classes) if isinstance(classes, list) else "must be a list of names"
    if wrong is not None:
        raise CheckpointError(path.name, "classes", wrong)
    for field, allowed in (("preprocessing", [*Preprocessing]), ("polarity", [*Polarity])):
        if document[field] not in allowed:
            raise CheckpointError(path.name, field, f"must be {' or '.join(allowed)}, not {document[field]!r}")
    if not isinstance(document["warnings"], list) or any(one not in OPTIONAL_WARNINGS for one in document["warnings"]):
        raise CheckpointError(path.name, "warnings", f"must be a list of some of {', '.join(OPTIONAL_WARNINGS)}")
    if not isinstance(dataset, dict) or not all(isinstance(dataset.get(key), str) for key in ("name", "licence")):
        raise CheckpointError(path.name, "dataset", "must hold the name and the licence of the data set")


def _architecture(path: Path, document: Document) -> Architecture:
    spelled: Any = document["architecture"]
    types = {name: {"wiring": str, "conv2_bias": bool}.get(name, int) for name in ARCHITECTURE_FIELDS}
    if document["format_version"] < FORMAT_VERSION:
        del types["classes"]
    if not isinstance(spelled, dict) or spelled.keys() != types.keys():
        raise CheckpointError(path.name, "architecture", f"must hold {', '.join(types)}, and nothing else")
    for name, wanted in types.items():
        # 3.0 and true compare equal to numbers of filters, but a network cannot be built from them.
        if type(spelled[name]) is not wanted:
            message = f"{name} must be of type {wanted.__name__}, not {spelled[name]!r}"
            raise CheckpointError(path.name, "architecture", message)
    if spelled["wiring"] not in [*Wiring]:
        message = f"wiring must be {' or '.join(Wiring)}, not {spelled['wiring']!r}"
        raise CheckpointError(path.name, "architecture", message)
    try:
        architecture = of_document(spelled)
    except ArchitectureError as error:
        raise CheckpointError(path.name, "architecture", f"makes no network ({error})") from error
    if architecture.classes != len(document.get("classes", numbered(architecture.classes))):
        raise CheckpointError(path.name, "classes", f"must be {architecture.classes} names, as the architecture says")
    if document["parameters"] != architecture.parameters:
        raise CheckpointError(
            path.name,
            "parameters",
            f"must be {architecture.parameters}, the architecture's count, not {document['parameters']!r}",
        )
    return architecture


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


def _card(path: Path, document: Document, sha256: str) -> Card:
    card_path = path.with_suffix(".json")
    try:
        card: Any = json.loads(atomic.read(card_path))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(path.name, "card", f"{card_path.name} cannot be read ({error})") from error
    expected = {**document, "sha256": sha256}
    if card != expected:
        keys = (
            sorted(key for key in expected.keys() | dict(card).keys() if card.get(key) != expected.get(key))
            if isinstance(card, dict)
            else ["everything"]
        )
        raise CheckpointError(
            path.name,
            ", ".join(keys),
            f"differs between the checkpoint and {card_path.name}; restore both, or train again",
        )
    return cast(Card, card)


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
