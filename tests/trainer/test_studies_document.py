import json
from pathlib import Path

import pytest

from konkyo.trainer.errors import RunError
from konkyo.trainer.studies.document import read, write


def test_floats_are_rounded_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "new" / "found.json"
    write(path, {"a": 1 / 3, "b": {"c": [[0.123456, -1e-9], [2, True]]}, "d": None, "e": "0.123456789"})
    assert path.read_text() == (
        '{\n  "a": 0.33333,\n  "b": {\n    "c": [\n      [0.12346, 0.0],\n      [2, true]\n    ]\n  },\n'
        '  "d": null,\n  "e": "0.123456789"\n}\n'
    )
    assert "-0.0" not in path.read_text()
    assert json.loads(path.read_text())["b"]["c"][1] == [2, True]


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000])
def test_what_is_damaged_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(text)
    with pytest.raises(RunError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} ")
    assert str(caught.value).endswith("; delete it, and write it again")
