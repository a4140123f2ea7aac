import os
from pathlib import Path

import pytest

from konkyo.models.files.atomic import replacing
from konkyo.models.files.reading import part, read


def test_a_file_is_replaced_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.json"
    for text in ("first", "second"):
        with replacing(path) as fresh:
            # A writer may look at its ending, as matplotlib and numpy do.
            assert fresh.name == "a.json"
            fresh.write_text(text)
        assert path.read_text() == text

    def fail() -> None:
        with replacing(path) as fresh:
            fresh.write_text("thi")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert path.read_text() == "second"
    # What was begun is taken away.
    assert list(path.parent.iterdir()) == [path]


def test_two_writers_do_not_share_a_file(tmp_path: Path) -> None:
    """The last one to end wins, with all of its own text."""
    path = tmp_path / "a.json"
    with replacing(path) as first:
        first.write_text("the first")
        with replacing(path) as second:
            assert second != first
            second.write_text("the second")
            assert first.read_text() == "the first"
        assert path.read_text() == "the second"
    assert path.read_text() == "the first"
    assert list(tmp_path.iterdir()) == [path]


def test_only_files_are_read(tmp_path: Path) -> None:
    """A pipe would let its reader wait for ever."""
    (tmp_path / "file").write_bytes(b"seven")
    (tmp_path / "link").symlink_to("file")
    assert read(tmp_path / "file", 5) == read(tmp_path / "link", 5) == b"seven"
    assert [part(tmp_path / "file", *some) for some in ((1, 2), (3, 9), (9, 1))] == [b"ev", b"en", b""]
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("folder", "pipe", "device"):
        with pytest.raises(OSError, match=r"^not a regular file, but a folder, pipe or device$"):
            read(tmp_path / name, 5)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing", 5)
