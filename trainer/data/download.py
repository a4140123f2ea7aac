"""Fetching MNIST from its public mirrors: whole, checked, or not at all."""

import gzip
import hashlib
import io
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from konkyo.models.files.atomic import replacing
from konkyo.trainer.data import find
from konkyo.trainer.data.about import SHA256
from konkyo.trainer.errors import DataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
ROUNDS = 3
# The largest of MNIST's files has 9.9 MB, and 47 MB unpacked. Nothing larger is kept.
MOST_BYTES, MOST_UNPACKED = 16 * 2**20, 64 * 2**20

# Called with a file's name, the bytes received and the bytes expected (None where the mirror does not say).
Reporter = Callable[[str, int, int | None], None]


def complete(
    directory: Path, part: str, report: Reporter, mirrors: Sequence[str] = MIRRORS, pause: float = 1.0
) -> None:
    """Download into ``directory`` what it lacks of a part of MNIST, its images and labels, gzipped.

    Each mirror is tried in turn, ``ROUNDS`` times, waiting longer after each round. A file appears under its name only
    once its contents have the right hash.

    Parameters
    ----------
    directory
        Made where it is missing.
    part
        ``train`` or ``t10k``.
    report
        Told of progress.
    mirrors
        Addresses that end in a slash.
    pause
        Seconds to wait after the first round; doubled after each.

    Raises
    ------
    DataError
        No mirror gave the file, or the directory cannot be written; says what each mirror answered.
    """
    for name in SHA256:
        if name.startswith(part) and find(directory, name) is None:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                _fetch(directory, name, report, mirrors, pause)
            except OSError as error:
                raise DataError(f"{directory} lacks {name} and cannot be written: {error}") from error


def _fetch(directory: Path, name: str, report: Reporter, mirrors: Sequence[str], pause: float) -> None:
    failures: list[str] = []
    for attempt in range(ROUNDS):
        for mirror in mirrors:
            url = f"{mirror}{name}.gz"
            try:
                data = _download(url, name, report)
            except (httpx.HTTPError, EOFError, OSError, zlib.error) as error:
                failures.append(f"{url}: {str(error) or type(error).__name__}")
                continue
            with replacing(directory / f"{name}.gz") as fresh:
                fresh.write_bytes(data)
            return
        if attempt + 1 < ROUNDS:
            time.sleep(pause * 2**attempt)
    raise DataError(
        f"{name} could not be downloaded; put MNIST's four IDX files (plain or gzipped) into {directory}, or name "
        "their folder with --data.\n" + "\n".join(dict.fromkeys(failures))
    )


def _download(url: str, name: str, report: Reporter) -> bytes:
    """The gzipped file; raises OSError where its contents are not MNIST's."""
    chunks: list[bytes] = []
    with httpx.stream("GET", url, timeout=30, follow_redirects=True) as response:
        response.raise_for_status()
        length = response.headers.get("content-length")
        for chunk in response.iter_raw():
            chunks.append(chunk)
            received = sum(map(len, chunks))
            if received > MOST_BYTES:
                raise OSError(f"the file is larger than {MOST_BYTES:,} bytes, and MNIST's are not")
            report(name, received, int(length) if length else None)
    data = b"".join(chunks)
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        unpacked = file.read(MOST_UNPACKED + 1)
    if len(unpacked) > MOST_UNPACKED or hashlib.sha256(unpacked).hexdigest() != SHA256[name]:
        raise OSError("the file's SHA-256 is not that of MNIST")
    return data
