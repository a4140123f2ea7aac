from pathlib import Path

import numpy as np

from konkyo.trainer.studies.parts import Arrays, Parts


def test_a_part_is_computed_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def compute() -> Arrays:
        asked.append(1)
        return {"values": np.arange(3.0), "grid": np.eye(2, dtype=np.int64)}

    for _ in range(2):
        part = Parts(tmp_path, {"sha256": "a", "region": 2}).get("0", compute)
        np.testing.assert_array_equal(part["values"], [0, 1, 2])
        np.testing.assert_array_equal(part["grid"], [[1, 0], [0, 1]])
    assert len(asked) == 1


def test_other_work_has_other_parts(tmp_path: Path) -> None:
    first, second = Parts(tmp_path, {"sha256": "a"}), Parts(tmp_path, {"sha256": "b"})
    assert first.get("0", lambda: {"values": np.ones(1)})["values"] == 1
    assert second.get("0", lambda: {"values": np.zeros(1)})["values"] == 0
    assert first.get("1", lambda: {"values": np.zeros(1)})["values"] == 0


def test_a_damaged_part_is_computed_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path, {})
    parts.get("0", lambda: {"values": np.ones(1)})
    [path] = parts.directory.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert parts.get("0", lambda: {"values": np.full(1, 2.0)})["values"] == 2
    assert parts.get("0", lambda: {"values": np.zeros(1)})["values"] == 2


def test_a_view_comes_back_as_it_was(tmp_path: Path) -> None:
    view = np.arange(6).reshape(2, 3).T
    parts = Parts(tmp_path, {"study": "tried"})
    first = parts.get("one", lambda: {"view": view})
    again = parts.get("one", dict)
    np.testing.assert_array_equal(first["view"], view)
    np.testing.assert_array_equal(again["view"], view)
