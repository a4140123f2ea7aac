from pathlib import Path

import pytest

from models.files import replacing


def test_a_file_is_replaced_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.json"
    for text in ("first", "second"):
        with replacing(path) as fresh:
            fresh.write_text(text)
        assert path.read_text() == text

    def fail() -> None:
        with replacing(path) as fresh:
            fresh.write_text("thi")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert path.read_text() == "second"
