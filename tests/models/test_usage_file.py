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
from konkyo.models.usage import Likeness, Usage
from konkyo.trainer.studies.filters import measure
from tests.helpers.documents import document
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses

SHAPE = two_stages(Wiring.PAIRED, 2, 3)
AGAIN = "; `python -m trainer study filters --model tiny` makes it anew"


@pytest.fixture
def tiny(tmp_path: Path) -> Checkpoint:
    network = random_network(SHAPE, 1, np.float32)
    return checkpoint.save(tmp_path, network, document(network))


@pytest.fixture
def usage() -> Usage:
    rng = np.random.default_rng(8)
    return measure([rng.normal(digit, 2, (20 + digit, 2, 3)) for digit in range(10)], 400, 25)


def raw(directory: Path) -> Any:
    return json.loads((directory / "tiny.usage.json").read_text())


def test_round_trip(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    loaded = usage_file.load(tmp_path, tiny)
    assert loaded is not None
    assert (loaded.searched, loaded.per_class) == (400, 25)
    assert loaded.covariance is not None
    assert usage.covariance is not None
    assert loaded.covariance.tolist() == usage.covariance.tolist()
    assert loaded.distinct == usage.distinct
    for one, other in zip(loaded.classes, usage.classes, strict=True):
        assert (one.images, one.first, one.second) == (other.images, other.first, other.second)
        for name in ("firsts", "mean", "deviation", "distances"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()
    images = np.random.default_rng(1).normal(3, 2, (10, 2, 3))
    assert loaded.typicality(images) == usage.typicality(images)
    files = ["tiny.json", "tiny.safetensors", "tiny.usage.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_one_image_a_class_is_a_study_too(tmp_path: Path, tiny: Checkpoint) -> None:
    usage = measure([np.full((1, 2, 3), float(digit)) for digit in range(10)], 1, 1)
    usage_file.save(tmp_path, tiny, usage)
    loaded = usage_file.load(tmp_path, tiny)
    assert loaded is not None
    assert (loaded.searched, loaded.per_class, loaded.classes[3].images) == (1, 1, 1)


def test_round_trip_of_the_likeness(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    axes = np.random.default_rng(4).normal(0, 0.1, (10, 2, 150)).astype(np.float16).astype(np.float64)
    usage_file.save(tmp_path, tiny, replace(usage, likeness=Likeness(axes, 0.3288)))
    loaded = usage_file.load(tmp_path, tiny)
    assert loaded is not None
    assert loaded.likeness is not None
    assert loaded.likeness.threshold == 0.3288
    assert np.array_equal(loaded.likeness.axes, axes)


@pytest.mark.parametrize(
    ("likeness", "message"),
    [
        ([], "likeness.threshold: must be from 0.0 to 1.0, not None"),
        ({"threshold": 2.0, "axes": ""}, "likeness.threshold: must be from 0.0 to 1.0, not 2.0"),
        ({"threshold": 0.5}, "likeness.axes: must be float16 numbers in base64, (10, K, 150)"),
        ({"threshold": 0.5, "axes": "AAA"}, "likeness.axes: must be float16 numbers in base64, (10, K, 150)"),
        ({"threshold": 0.5, "axes": "AAAA"}, "likeness.axes: must be float16 numbers in base64, (10, K, 150)"),
        ({"threshold": 0.5, "axes": "/////" * 800}, "likeness.axes: holds NaN or infinity"),
        (
            {"threshold": 0.5, "axes": "AAAA" * 1000, "more": 1},
            "likeness: is unknown, or does not follow from the other fields",
        ),
    ],
)
def test_refuses_another_likeness(tmp_path: Path, tiny: Checkpoint, usage: Usage, likeness: Any, message: str) -> None:
    usage_file.save(tmp_path, tiny, usage)
    (tmp_path / "tiny.usage.json").write_text(json.dumps(raw(tmp_path) | {"likeness": likeness}))
    with refuses(CheckpointError, f"tiny.usage.json: {message}{AGAIN}"):
        usage_file.load(tmp_path, tiny)


def test_it_is_read_by_people_too(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    text = (tmp_path / "tiny.usage.json").read_text()
    assert text.startswith('{\n  "format_version": 4,\n  "name": "tiny",\n  "sha256": "')
    entry = raw(tmp_path)["classes"][3]
    assert (entry["class"], entry["label"]) == (3, "3")
    order = sorted(
        ((count, i, j) for i, row in enumerate(entry["firsts"]) for j, count in enumerate(row)), reverse=True
    )
    assert entry["first"]["share"] == order[0][0] / 23
    assert entry["first"]["mean"] == entry["mean"][entry["first"]["map"]][entry["first"]["filter"]]
    # Six digits, so that another processor writes the same file.
    assert all(len(f"{abs(value):.15g}".lstrip("0.").replace(".", "")) <= 6 for row in entry["mean"] for value in row)


def with_old_names(entry: Any) -> Any:
    """A class as files before version 4 have it."""
    names = {"map": "conv1", "filter": "conv2"}
    places = {place: {names.get(name, name): value for name, value in entry[place].items()} for place in PLACES}
    return {**entry, **places}


PLACES = "first", "second"


def test_reads_version_3_which_names_a_pair_by_its_layers(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    older = raw(tmp_path) | {"format_version": 3}
    older["classes"] = [with_old_names(entry) for entry in older["classes"]]
    (tmp_path / "tiny.usage.json").write_text(json.dumps(older))
    loaded = usage_file.load(tmp_path, tiny)
    assert loaded is not None
    assert [one.first for one in loaded.classes] == [one.first for one in usage.classes]


def test_reads_version_2_which_calls_a_class_a_digit(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    older = raw(tmp_path) | {"format_version": 2}
    older["classes"] = [
        {
            "digit": number,
            **{name: value for name, value in with_old_names(entry).items() if name not in ("class", "label")},
        }
        for number, entry in enumerate(older["classes"])
    ]
    (tmp_path / "tiny.usage.json").write_text(json.dumps(older))
    loaded = usage_file.load(tmp_path, tiny)
    assert loaded is not None
    assert loaded.distinct == usage.distinct


def test_there_need_be_none(tmp_path: Path, tiny: Checkpoint) -> None:
    assert usage_file.load(tmp_path, tiny) is None


def test_it_is_no_checkpoint(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    assert list(checkpoint.load_all(tmp_path)) == ["tiny"]


def test_it_goes_when_the_checkpoint_is_replaced(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    other = random_network(SHAPE, 2, np.float32)
    checkpoint.save(tmp_path, other, document(other, "other"))
    assert (tmp_path / "tiny.usage.json").exists()
    checkpoint.save(tmp_path, other, document(other))
    assert not (tmp_path / "tiny.usage.json").exists()


def test_what_would_be_refused_is_not_written(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    before = raw(tmp_path)
    with refuses(CheckpointError, f"tiny.usage.json: covariance: holds NaN or infinity{AGAIN}"):
        usage_file.save(tmp_path, tiny, replace(usage, covariance=np.full((6, 6), np.nan)))
    assert raw(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "file: is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("[]", "file: must be an object, not list"),
        ("null", "file: must be an object, not NoneType"),
        ("{}", "format_version: must be 2 or 3 or 4, not None"),
        ('{"format_version": 1}', "format_version: must be 2 or 3 or 4, not 1"),
    ],
)
def test_refuses_another_file(tmp_path: Path, tiny: Checkpoint, content: str, message: str) -> None:
    (tmp_path / "tiny.usage.json").write_text(content)
    with refuses(CheckpointError, f"tiny.usage.json: {message}{AGAIN}"):
        usage_file.load(tmp_path, tiny)


def test_refuses_nesting_without_end(tmp_path: Path, tiny: Checkpoint) -> None:
    (tmp_path / "tiny.usage.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError) as caught:
        usage_file.load(tmp_path, tiny)
    assert (caught.value.file, caught.value.field) == ("tiny.usage.json", "file")


def test_refuses_the_study_of_another_checkpoint(tmp_path: Path, tiny: Checkpoint, usage: Usage) -> None:
    usage_file.save(tmp_path, tiny, usage)
    kept = (tmp_path / "tiny.usage.json").read_bytes()
    other = random_network(SHAPE, 2, np.float32)
    new = checkpoint.save(tmp_path, other, document(other))
    (tmp_path / "tiny.usage.json").write_bytes(kept)
    message = f"tiny.usage.json: sha256: must be {new.sha256}, not {tiny.sha256!r}{AGAIN}"
    with refuses(CheckpointError, message):
        usage_file.load(tmp_path, new)


def at(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Puts a value at a place of a document."""

    def put(whole: Any) -> None:
        for key in path[:-1]:
            whole = whole[key]
        whole[path[-1]] = value

    return put


def drop(*path: str | int) -> Callable[[Any], None]:
    """Takes the entry at a place out of a document."""

    def take(whole: Any) -> None:
        for key in path[:-1]:
            whole = whole[key]
        del whole[path[-1]]

    return take


NUMBERS = "must be a full array of numbers"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop("classes"), "classes: must be a list of 10"),
        (drop("classes", 9), "classes: must be a list of 10"),
        (at("classes", 4, value=[]), "classes[4]: must be an object, not list"),
        (at("searched", value=0), "searched: must be a count of 1 or more, not 0"),
        (at("searched", value=True), "searched: must be a count of 1 or more, not True"),
        (at("per_class", value=2.5), "per_class: must be a count of 1 or more, not 2.5"),
        (drop("classes", 4, "images"), "classes[4].images: must be a count of 1 or more, not None"),
        (drop("classes", 4, "mean"), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", value=[[1, 2, 3], [4, 5]]), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", 0, 0, value="1"), f"classes[4].mean: {NUMBERS}"),
        (at("classes", 4, "mean", 0, 0, value=None), f"classes[4].mean: {NUMBERS}"),
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
        (drop("classes", 4, "second"), "classes: is unknown, or does not follow from the other fields"),
        (at("distinct", "first", value=11), "distinct: is unknown, or does not follow from the other fields"),
        (at("name", value="other"), "name: is unknown, or does not follow from the other fields"),
        (at("more", value=1), "more: is unknown, or does not follow from the other fields"),
    ],
)
def test_refuses_every_damage(
    tmp_path: Path, tiny: Checkpoint, usage: Usage, damage: Callable[[Any], None], message: str
) -> None:
    usage_file.save(tmp_path, tiny, usage)
    content = raw(tmp_path)
    damage(content)
    (tmp_path / "tiny.usage.json").write_text(json.dumps(content))
    with refuses(CheckpointError, f"tiny.usage.json: {message}{AGAIN}"):
        usage_file.load(tmp_path, tiny)
