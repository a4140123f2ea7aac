"""Reading of regular files, and atomic replacement: a reader sees the old file or the new one, never a part."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import fstat
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


def read(path: Path, most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises
    ------
    OSError
        The file cannot be read, is larger, or is a folder, pipe or device. A pipe would block the reader for ever.
    """
    if path.exists() and not path.is_file():
        raise OSError("not a regular file, but a folder, pipe or device")
    with path.open("rb") as file:
        if fstat(file.fileno()).st_size > most:
            raise OSError(f"larger than {most:,} bytes")
        return file.read()
