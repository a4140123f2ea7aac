"""Files that are replaced as a whole: whoever reads one meets the old or the new, and never a half."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of ``path`` at the end; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    yield fresh
    fresh.replace(path)


def read(path: Path) -> bytes:
    """What a file holds.

    Raises
    ------
    OSError
        It cannot be read; or it is a folder, or a pipe or device, which would let its reader wait for ever.
    """
    if path.exists() and not path.is_file():
        raise OSError("not a regular file, but a folder, pipe or device")
    return path.read_bytes()
