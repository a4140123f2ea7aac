import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.errors import CheckpointError
from konkyo.models.files import checkpoint, usage_file
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.filters.usage import Likeness, Usage
from konkyo.trainer.studies.filters import measure
from tests.helpers.documents import document
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses
from tests.helpers.sure import sure

SHAPE = two_stages(Wiring.PAIRED, 2, 3)
AGAIN = "; `python -m trainer study filters --model tiny` makes it anew"


@pytest.fixture
def tiny(tmp_path: Path) -> Checkpoint:
    network = random_network(SHAPE, 1, np.float32)
    return checkpoint.save(tmp_path, network, document(network))


@pytest.fixture(scope="module")
def usage() -> Usage:
    rng = np.random.default_rng(8)
    return measure([rng.normal(digit, 2, (20 + digit, 2, 3)) for digit in range(10)], 400, 25)


@pytest.fixture
def path(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> Path:
    """Where the study is kept."""
    usage_file.save(tmp_path, tiny, usage)
    return tmp_path / "tiny.usage.json"


def raw(path: Path) -> Any:
    return json.loads(path.read_text())


def loaded(path: Path, tiny: Checkpoint) -> Usage:
    return sure(usage_file.load(path.parent, tiny))


def refused(path: Path, tiny: Checkpoint, message: str) -> None:
    with refuses(CheckpointError, f"tiny.usage.json: {message}{AGAIN}"):
        usage_file.load(path.parent, tiny)


def test_round_trip(path: Path, tiny: Checkpoint, usage: Usage) -> None:
    axes = np.random.default_rng(4).normal(0, 0.1, (10, 2, 150)).astype(np.float16).astype(np.float64)
    for likeness in (None, Likeness(axes, 0.3288)):
        usage_file.save(path.parent, tiny, replace(usage, likeness=likeness))
        found = loaded(path, tiny)
        assert (found.searched, found.per_class, found.distinct) == (400, 25, usage.distinct)
        assert sure(found.covariance).tolist() == sure(usage.covariance).tolist()
        for one, other in zip(found.classes, usage.classes, strict=True):
            assert (one.images, one.first, one.second) == (other.images, other.first, other.second)
            for name in ("firsts", "mean", "deviation", "distances"):
                assert getattr(one, name).tolist() == getattr(other, name).tolist()
        images = np.random.default_rng(1).normal(3, 2, (10, 2, 3))
        assert found.typicality(images) == usage.typicality(images)
    assert sure(found.likeness).threshold == 0.3288
    assert np.array_equal(sure(found.likeness).axes, axes)
    # It is no checkpoint.
    assert list(checkpoint.load_all(path.parent)) == ["tiny"]


def test_one_image_a_class_is_a_study_too(path: Path, tiny: Checkpoint) -> None:
    usage_file.save(path.parent, tiny, measure([np.full((1, 2, 3), float(digit)) for digit in range(10)], 1, 1))
    found = loaded(path, tiny)
    assert (found.searched, found.per_class, found.classes[3].images) == (1, 1, 1)


@pytest.mark.parametrize(
    ("likeness", "message"),
    [
        ([], "likeness.threshold: must be from 0.0 to 1.0, not None"),
        ({"threshold": 2.0, "axes": ""}, "likeness.threshold: must be from 0.0 to 1.0, not 2.0"),
        ({"threshold": 0.5}, "likeness.axes: must be float16 numbers in base64, (10, K, 150)"),
        ({"threshold": 0.5, "axes": "AAAA"}, "likeness.axes: must be float16 numbers in base64, (10, K, 150)"),
        ({"threshold": 0.5, "axes": "/////" * 800}, "likeness.axes: holds NaN or infinity"),
        (
            {"threshold": 0.5, "axes": "AAAA" * 1000, "more": 1},
            "likeness: is unknown, or does not follow from the other fields",
        ),
    ],
)
def test_refuses_another_likeness(path: Path, tiny: Checkpoint, likeness: Any, message: str) -> None:
    path.write_text(json.dumps(raw(path) | {"likeness": likeness}))
    refused(path, tiny, message)


def test_it_is_read_by_people_too(path: Path) -> None:
    assert path.read_text().startswith('{\n  "format_version": 4,\n  "name": "tiny",\n  "sha256": "')
    entry = raw(path)["classes"][3]
    assert (entry["class"], entry["label"]) == (3, "3")
    assert entry["first"]["share"] == max(count for row in entry["firsts"] for count in row) / 23
    assert entry["first"]["mean"] == entry["mean"][entry["first"]["map"]][entry["first"]["filter"]]
    # Six digits, so that another processor writes the same file.
    assert all(len(f"{abs(value):.15g}".lstrip("0.").replace(".", "")) <= 6 for row in entry["mean"] for value in row)


def of_version(version: int, entry: Any) -> Any:
    """A class as files before version 4 have it: a pair is named by its layers; of version 2, a class is a digit."""
    names = {"map": "conv1", "filter": "conv2"}
    for place in ("first", "second"):
        entry[place] = {names.get(name, name): value for name, value in entry[place].items()}
    if version == 2:
        entry["digit"] = entry.pop("class")
        del entry["label"]
    return entry


@pytest.mark.parametrize("version", [2, 3])
def test_reads_older_versions(version: int, path: Path, tiny: Checkpoint, usage: Usage) -> None:
    older = raw(path) | {"format_version": version}
    older["classes"] = [of_version(version, entry) for entry in older["classes"]]
    path.write_text(json.dumps(older))
    found = loaded(path, tiny)
    assert found.distinct == usage.distinct
    assert [one.first for one in found.classes] == [one.first for one in usage.classes]


def test_it_goes_when_the_checkpoint_is_replaced(path: Path) -> None:
    other = random_network(SHAPE, 2, np.float32)
    checkpoint.save(path.parent, other, document(other, "other"))
    assert path.exists()
    tiny = checkpoint.save(path.parent, other, document(other))
    assert not path.exists()
    assert usage_file.load(path.parent, tiny) is None


def test_what_would_be_refused_is_not_written(path: Path, tiny: Checkpoint, usage: Usage) -> None:
    before = raw(path)
    with refuses(CheckpointError, f"tiny.usage.json: covariance: holds NaN or infinity{AGAIN}"):
        usage_file.save(path.parent, tiny, replace(usage, covariance=np.full((6, 6), np.nan)))
    assert raw(path) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "file: is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("null", "file: must be an object, not NoneType"),
        ("{}", "format_version: must be 2 or 3 or 4, not None"),
        ('{"format_version": 1}', "format_version: must be 2 or 3 or 4, not 1"),
    ],
)
def test_refuses_another_file(path: Path, tiny: Checkpoint, content: str, message: str) -> None:
    path.write_text(content)
    refused(path, tiny, message)


def test_refuses_nesting_without_end_and_no_file(path: Path, tiny: Checkpoint) -> None:
    path.write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match=r"^tiny\.usage\.json: file: is not JSON \("):
        usage_file.load(path.parent, tiny)
    path.unlink()
    path.mkdir()
    refused(path, tiny, "file: cannot be read (not a regular file, but a folder, pipe or device)")


def test_refuses_the_study_of_another_checkpoint(path: Path, tiny: Checkpoint) -> None:
    kept = path.read_bytes()
    other = random_network(SHAPE, 2, np.float32)
    new = checkpoint.save(path.parent, other, document(other))
    path.write_bytes(kept)
    refused(path, new, f"sha256: must be {new.sha256}, not {tiny.sha256!r}")


GONE = object()


def at(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Puts a value at a place of a document, or takes the entry out of it."""

    def change(whole: Any) -> None:
        for key in path[:-1]:
            whole = whole[key]
        whole[path[-1]] = value
        if value is GONE:
            del whole[path[-1]]

    return change


NUMBERS = "must be a full array of numbers"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (at("classes", 9, value=GONE), "classes: must be a list of 10"),
        (at("classes", 4, value=[]), "classes[4]: must be an object, not list"),
        (at("searched", value=0), "searched: must be a count of 1 or more, not 0"),
        (at("searched", value=True), "searched: must be a count of 1 or more, not True"),
        (at("per_class", value=2.5), "per_class: must be a count of 1 or more, not 2.5"),
        (at("classes", 4, "mean", value=GONE), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", value=[[1, 2, 3], [4, 5]]), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", 0, 0, value=10**400), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", value=[[1, 2, 3]]), "classes[4].mean: has shape (1, 3); the network needs (2, 3)"),
        (at("classes", 4, "deviation", 0, 0, value=float("nan")), "classes[4].deviation: holds NaN or infinity"),
        (at("classes", 4, "firsts", 0, 0, value=999), "classes[4].firsts: must be counts that add up to 24"),
        (
            at("classes", 4, "firsts", value=[[-1, 25, 0], [0, 0, 0]]),
            "classes[4].firsts: must be counts that add up to 24",
        ),
        (
            at("classes", 4, "firsts", value=[[0.5, 23.5, 0], [0, 0, 0]]),
            "classes[4].firsts: must be counts that add up to 24",
        ),
        (
            at("classes", 4, "distances", value=[1.0] * 100),
            "classes[4].distances: has shape (100,); the network needs (101,)",
        ),
        (at("classes", 4, "distances", 50, value=0.0), "classes[4].distances: must rise, from 0 or more"),
        (at("classes", 4, "distances", 0, value=-0.1), "classes[4].distances: must rise, from 0 or more"),
        (at("covariance", value=[[1.0]]), "covariance: has shape (1, 1); the network needs (6, 6)"),
        (at("covariance", 0, 1, value=0.123), "covariance: must be symmetric, with no variance below zero"),
        (at("covariance", 2, 2, value=-9.0), "covariance: must be symmetric, with no variance below zero"),
        (at("covariance", value=[[1e308] * 6] * 6), "covariance: must be symmetric, with no variance below zero"),
        (at("classes", 4, "first", "map", value=7), "classes: is unknown, or does not follow from the other fields"),
        (at("classes", 4, "class", value=5), "classes: is unknown, or does not follow from the other fields"),
        (at("classes", 4, "second", value=GONE), "classes: is unknown, or does not follow from the other fields"),
        (at("distinct", "first", value=11), "distinct: is unknown, or does not follow from the other fields"),
        (at("name", value="other"), "name: is unknown, or does not follow from the other fields"),
        (at("more", value=1), "more: is unknown, or does not follow from the other fields"),
    ],
)
def test_refuses_every_damage(path: Path, tiny: Checkpoint, damage: Callable[[Any], None], message: str) -> None:
    content = raw(path)
    damage(content)
    path.write_text(json.dumps(content))
    refused(path, tiny, message)
