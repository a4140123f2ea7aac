"""The reader of every file that is not part of Konkyo: regular files, bounded before anything is made of them.

A pipe would let its reader wait for ever, a device may never end, and a few bytes can be the packed form of gigabytes.
"""

import gzip
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path

# What begins a file that gzip wrote.
GZIPPED = b"\x1f\x8b"
# Bytes of a text file at most: one of settings or of names, and one with a line for each of very many pictures.
MOST_TEXT = 2**20
MOST_LIST = 64 * 2**20
# To how many bytes packed ones may unpack: so many, and so many times as many as they are. Drawings, of which most is
# empty, are packed to a tenth.
UNPACKED, RATIO = 16 * 2**20, 50
# Files in an archive at most. Python makes an object of each when the archive is opened.
MOST_ENTRIES = 2000
_ENTRY = re.compile(rb"PK\x01\x02")


@contextmanager
def opened(path: Path, most: int | None = None) -> Iterator[BufferedReader]:
    """Open a regular file of at most ``most`` bytes, if that is said.

    Raises
    ------
    OSError
        The file cannot be opened, is larger, or is a folder, pipe or device.
    """
    _check_regular(path.stat().st_mode)
    # Without waiting, should a pipe have taken its place.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _check_regular(found.st_mode)
        if most is not None and found.st_size > most:
            raise OSError(f"larger than {most:,} bytes")
        yield file


def read(path: Path, most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises
    ------
    OSError
        As ``opened``.
    """
    with opened(path, most) as file:
        return file.read()


def part(path: Path, start: int, size: int) -> bytes:
    """Of a regular file so many bytes from ``start`` on, or as many as it has there; no others are read.

    Raises
    ------
    OSError
        As ``opened``.
    """
    with opened(path) as file:
        file.seek(start)
        return file.read(min(size, max(0, os.fstat(file.fileno()).st_size - start)))


def text(path: Path, most: int = MOST_TEXT) -> str:
    """The text in UTF-8 of a regular file of at most ``most`` bytes.

    Raises
    ------
    OSError
        As ``opened``.
    ValueError
        It is not UTF-8.
    """
    return read(path, most).decode()


def may_unpack_to(packed: int) -> int:
    """To how many bytes so many packed ones may unpack."""
    return UNPACKED + RATIO * packed


def unpacked(data: bytes, most: int) -> bytes:
    """The first ``most`` bytes of what gzip packed, or all if it is less.

    Raises
    ------
    OSError
        It is damaged or cut short.
    """
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as file:
            return file.read(most)
    except EOFError as error:
        raise OSError("it is cut short") from error
    except zlib.error as error:
        raise OSError(f"it is damaged: {error}") from error


@contextmanager
def archive(file: BufferedReader) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP archive of at most ``MOST_ENTRIES`` files.

    Raises
    ------
    OSError
        It holds more files or is damaged, also where that is only found within the block.
    """
    try:
        with mmap(file.fileno(), 0, access=ACCESS_READ) as view:
            if any(number == MOST_ENTRIES for number, _ in enumerate(_ENTRY.finditer(view))):
                raise OSError(f"it holds more than {MOST_ENTRIES:,} files")
        with zipfile.ZipFile(file) as found:
            yield found
    # What zipfile raises for what is no archive, packed in another way, or locked with a password.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise OSError("it is a damaged archive") from error


def shown(path: Path | str) -> str:
    """A file's name as text. It need not be UTF-8: other bytes are shown as ``\\xff``."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError("not a regular file, but a folder, pipe or device")
