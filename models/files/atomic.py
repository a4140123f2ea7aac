"""Atomic replacement of files: a reader sees the old file or the new one, never a part."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, and move that file to ``path`` at the end. Makes the folder if it is missing.

    Each writer has a file of its own, which an error takes away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as aside:
        fresh = Path(aside) / path.name
        yield fresh
        fresh.replace(path)
