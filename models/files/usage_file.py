"""Reads, checks and writes ``NAME.usage.json``, the study of the checkpoint of that name."""

import base64
import binascii
import json
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models.errors import CheckpointError
from konkyo.models.files import reading
from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import USAGE_SUFFIX, Checkpoint, pretty
from konkyo.models.filters.usage import MOST_PAIRS, PERCENT, ClassUsage, Likeness, PlacedPair, Usage, ridged
from konkyo.models.network import Array

# Version 1 was counted over test images, and left out a second place where the first dominates. Version 2 is of MNIST,
# calls a class a digit and does not name it. Before version 4 a pair's map and filter are called conv1 and conv2.
FORMAT_VERSION = 4
READABLE_VERSIONS = 2, 3, FORMAT_VERSION
MOST_BYTES = 32 * 2**20


def save(directory: Path, checkpoint: Checkpoint, usage: Usage) -> None:
    """Write the study of a checkpoint, in place of an older one.

    Raises
    ------
    CheckpointError
        ``load`` would refuse the file. Nothing is written.
    """
    data = pretty(_document(checkpoint, usage, FORMAT_VERSION)).encode()
    _Reader(checkpoint).usage(data)
    with replacing(directory / f"{checkpoint.name}{USAGE_SUFFIX}") as fresh:
        fresh.write_bytes(data)


def load(directory: Path, checkpoint: Checkpoint) -> Usage | None:
    """Read the study of a checkpoint; None if there is no file.

    Raises
    ------
    CheckpointError
        Not a regular file; not JSON; another format version; the study of a checkpoint with another hash; a field that
        is missing, unknown, of another shape, not finite, or inconsistent with the others. The message names the file,
        the field, and the command that writes the file again.
    """
    path = directory / f"{checkpoint.name}{USAGE_SUFFIX}"
    return _Reader(checkpoint).read(path) if path.exists() else None


def _document(checkpoint: Checkpoint, usage: Usage, version: int) -> dict[str, Any]:
    """The content of the file. ``first`` and ``second`` follow from the counts; they are stored for human readers."""
    return {
        "format_version": version,
        "name": checkpoint.name,
        "sha256": checkpoint.sha256,
        "searched": usage.searched,
        "per_class": usage.per_class,
        "distinct": asdict(usage.distinct),
        "classes": [
            {
                **({"class": number, "label": name} if version > 2 else {"digit": number}),
                "images": one.images,
                "first": _placed(one.first, version),
                "second": one.second and _placed(one.second, version),
                "firsts": one.firsts.tolist(),
                "mean": one.mean.tolist(),
                "deviation": one.deviation.tolist(),
                "distances": None if one.distances is None else one.distances.tolist(),
            }
            for number, (name, one) in enumerate(zip(checkpoint.network.classes, usage.classes, strict=True))
        ],
        "covariance": None if usage.covariance is None else usage.covariance.tolist(),
        **({"likeness": _likeness(usage.likeness)} if usage.likeness else {}),
    }


def _placed(pair: PlacedPair, version: int) -> dict[str, Any]:
    older = {"map": "conv1", "filter": "conv2"} if version < FORMAT_VERSION else {}
    return {older.get(name, name): value for name, value in asdict(pair).items()}


def _likeness(likeness: Likeness) -> dict[str, Any]:
    """The axes are many numbers of which three digits are enough: float16, row by row, in base64."""
    packed = base64.b64encode(likeness.axes.astype("<f2").tobytes()).decode()
    return {"threshold": likeness.threshold, "axes": packed}


class _Reader:
    """Checks a file field by field and raises at the first wrong one."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        architecture = checkpoint.network.architecture
        self._classes = architecture.classes
        self._pairs, self._features = architecture.pairs, architecture.features
        self._has_typicality = prod(self._pairs) <= MOST_PAIRS

    def read(self, path: Path) -> Usage:
        try:
            data = reading.read(path, MOST_BYTES)
        except OSError as error:
            raise self._refusal("file", f"cannot be read ({error})") from error
        return self.usage(data)

    def usage(self, data: bytes) -> Usage:
        document = self._object(data)
        classes = document.get("classes")
        if not isinstance(classes, list) or len(classes) != self._classes:
            raise self._refusal("classes", f"must be a list of {self._classes}")
        usage = Usage(
            self._count(document, "searched"),
            self._count(document, "per_class"),
            tuple(self._class(number, entry) for number, entry in enumerate(classes)),
            self._covariance(document),
            self._likeness(document["likeness"]) if "likeness" in document else None,
        )
        # A document built from the parsed fields must equal the one in the file: no field is unknown or inconsistent.
        expected = _document(self._checkpoint, usage, document["format_version"])
        wrong = sorted(key for key in expected.keys() | document.keys() if expected.get(key) != document.get(key))
        if wrong:
            raise self._refusal(", ".join(wrong), "is unknown, or does not follow from the other fields")
        return usage

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            document: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._refusal("file", f"is not JSON ({error})") from error
        if not isinstance(document, dict):
            raise self._refusal("file", f"must be an object, not {type(document).__name__}")
        version = document.get("format_version")
        if type(version) is not int or version not in READABLE_VERSIONS:
            raise self._refusal(
                "format_version", f"must be {' or '.join(map(str, READABLE_VERSIONS))}, not {version!r}"
            )
        if document.get("sha256") != self._checkpoint.sha256:
            raise self._refusal("sha256", f"must be {self._checkpoint.sha256}, not {document.get('sha256')!r}")
        return document

    def _class(self, number: int, entry: Any) -> ClassUsage:
        within = f"classes[{number}]"
        if not isinstance(entry, dict):
            raise self._refusal(within, f"must be an object, not {type(entry).__name__}")
        images = self._count(entry, "images", within)
        firsts, mean, deviation = (
            self._array(entry, name, self._pairs, within) for name in ("firsts", "mean", "deviation")
        )
        if (firsts < 0).any() or (firsts != np.rint(firsts)).any() or firsts.sum() != images:
            raise self._refusal(f"{within}.firsts", f"must be counts that add up to {images}")
        return ClassUsage(images, firsts.astype(np.intp), mean, deviation, self._distances(entry, within))

    def _distances(self, entry: dict[str, Any], within: str) -> Array | None:
        if not self._has_typicality:
            return None
        distances = self._array(entry, "distances", PERCENT.shape, within)
        if distances[0] < 0 or (np.diff(distances) < 0).any():
            raise self._refusal(f"{within}.distances", "must rise, from 0 or more")
        return distances

    def _covariance(self, document: dict[str, Any]) -> Array | None:
        if not self._has_typicality:
            return None
        pairs = prod(self._pairs)
        covariance = self._array(document, "covariance", (pairs, pairs))
        try:
            with np.errstate(all="ignore"):
                least = np.linalg.eigvalsh(ridged(covariance)).min()
        except np.linalg.LinAlgError:
            least = np.nan
        if (covariance != covariance.T).any() or not least > 0:
            raise self._refusal("covariance", "must be symmetric, with no variance below zero")
        return covariance

    def _likeness(self, entry: Any) -> Likeness:
        threshold = entry.get("threshold") if isinstance(entry, dict) else None
        if type(threshold) is not float or not 0 <= threshold <= 1:
            raise self._refusal("likeness.threshold", f"must be from 0.0 to 1.0, not {threshold!r}")
        try:
            axes = np.frombuffer(base64.b64decode(entry["axes"], validate=True), "<f2").astype(np.float64)
            axes = axes.reshape(self._classes, -1, self._features)
        except (binascii.Error, ValueError, TypeError, KeyError) as error:
            raise self._refusal(
                "likeness.axes", f"must be float16 numbers in base64, ({self._classes}, K, {self._features})"
            ) from error
        if not np.isfinite(axes).all():
            raise self._refusal("likeness.axes", "holds NaN or infinity")
        return Likeness(axes, threshold)

    def _count(self, entry: dict[str, Any], name: str, within: str = "") -> int:
        value = entry.get(name)
        if type(value) is not int or value < 1:
            raise self._refusal(f"{within}.{name}".lstrip("."), f"must be a count of 1 or more, not {value!r}")
        return value

    def _array(self, entry: dict[str, Any], name: str, shape: tuple[int, ...], within: str = "") -> Array:
        field = f"{within}.{name}".lstrip(".")
        try:
            array = np.array(entry.get(name))
        except (ValueError, OverflowError):
            array = np.array(None)
        if array.dtype.kind not in "if":
            raise self._refusal(field, "must be a full array of numbers")
        if array.shape != shape:
            raise self._refusal(field, f"has shape {array.shape}; the network needs {shape}")
        if not np.isfinite(array).all():
            raise self._refusal(field, "holds NaN or infinity")
        return array.astype(np.float64)

    def _refusal(self, field: str, message: str) -> CheckpointError:
        name = self._checkpoint.name
        again = f"`python -m trainer study filters --model {name}` makes it anew"
        return CheckpointError(f"{name}{USAGE_SUFFIX}", field, f"{message}; {again}")
