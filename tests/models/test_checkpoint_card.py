"""What a card must hold, and that it says the same as the checkpoint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.files.checkpoint import load
from tests.helpers.any_network import random_weights
from tests.helpers.documents import changed, complaint, document, spelled, write
from tests.helpers.old_cards import older


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, "is not JSON (") for text in ("", "{", "{'a': 1}", "[" * 100_000)),
        *((text, f"must be an object, not {kind}") for text, kind in (("[]", "list"), ("null", "NoneType"))),
        (None, "has no 'konkyo' entry: not made by Konkyo's trainer"),
    ],
)
def test_refuses_other_metadata(text: str | None, message: str, tmp_path: Path) -> None:
    field, said = complaint(write(tmp_path, metadata={"format": "pt"} if text is None else {"konkyo": text}))
    assert field == "metadata"
    assert said.startswith(message)


def test_refuses_a_missing_field(tmp_path: Path) -> None:
    for key in set(spelled()) - {"format_version"}:
        says = {name: value for name, value in spelled().items() if name != key}
        assert complaint(write(tmp_path, says=says)) == (key, "is missing")


INPUT, SELECTION, ACCURACY = (spelled()[name] for name in ("input", "selection", "accuracy"))
HALVES = (0.5, 0.5)


@pytest.mark.parametrize(
    ("field", "value", "where", "message"),
    [
        *(
            ("format_version", version, "format_version", f"must be 1, 2, 3, 4 or 5, not {version!r}")
            for version in (0, 6, "1", True, 2.0, None, [1])
        ),
        ("depth", 3, "depth", "is unknown"),
        ("name", "huge", "name", "is 'huge', but the file is called 'tiny'"),
        ("classes", "0123456789", "classes", "must be a valid array, not '0123456789'"),
        ("classes", [*"abcdefgh", "a", "j"], "classes", "each must stand once, and 'a' stands 2 times"),
        ("classes", [*"abcdefgh", 9, "j"], "classes.8", "must be a valid string, not 9"),
        ("parameters", 297, "parameters", "must be 296, as the stages say, not 297"),
        ("preprocessing", "crop", "preprocessing", "must be 'mnist' or 'resize', not 'crop'"),
        ("polarity", None, "polarity", "must be 'auto', 'light-on-dark' or 'dark-on-light', not None"),
        ("warnings", ["blue"], "warnings", "must be some of mostly-ink, several-pieces, not ['blue']"),
        ("dataset", {"name": "some"}, "dataset.licence", "is missing"),
        ("selection", 5, "selection", "must be an object, not 5"),
        ("selection", {**SELECTION, "seed": "4"}, "selection.seed", "must be a valid integer, not '4'"),
        ("accuracy", {**ACCURACY, "test": 1.5}, "accuracy.test", "must be less than or equal to 1, not 1.5"),
        ("accuracy", {**ACCURACY, "per_class": HALVES}, "accuracy", "must have an entry for each of 10 classes"),
        *(
            ("accuracy", {**ACCURACY, "confusion": rows}, "accuracy", "must have an entry for each of 10 classes")
            for rows in ([[1]] * 10, ACCURACY["confusion"][:9])
        ),
        *(
            (field, None, field, "must be there for a network that was not imported")
            for field in ("recipe", "selection", "dataset", "accuracy")
        ),
        ("temperature", 0.5, "temperature", "must be greater than or equal to 1, not 0.5"),
        ("temperature", 21.0, "temperature", "must be less than or equal to 20, not 21.0"),
        ("temperature", None, "calibration", "must be there only with a temperature and an accuracy"),
        ("calibration", {}, "calibration.fitted", "is missing"),
        ("input", {**INPUT, "channels": 2}, "input.channels", "must be 1 or 3, not 2"),
        ("input", {**INPUT, "border": []}, "input.border", "must have one value for each of 1 channels"),
        ("stages", [], "stages", "make no network (the number of stages must be from 1 to 128, not 0)"),
        ("stages", [{"filters": 3}], "stages.0.kernel", "is missing"),
        (
            "stages",
            [{"filters": 3, "kernel": 225}],
            "stages",
            "make no network (stage 1's kernel must be from 0 to 224, not 225)",
        ),
    ],
)
def test_refuses_a_wrong_description(field: str, value: Any, where: str, message: str, tmp_path: Path) -> None:
    assert complaint(write(tmp_path, says=changed(**{field: value}))) == (where, message)


FULL: Any = older(3)["architecture"]
LESS = {name: value for name, value in FULL.items() if name != "conv2_bias"}
KINDS = (
    "wiring (str), conv1_filters (int), conv2_filters (int), conv1_kernel (int), conv2_kernel (int), conv2_bias (bool)"
)


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        LESS,
        {**FULL, "depth": 3},
        {**FULL, "wiring": ["summed"]},
        # 1.0 and true compare equal to numbers of filters, but a network cannot be built from them.
        {**FULL, "conv1_filters": 1.0},
        {**FULL, "conv2_filters": True},
    ],
    ids=str,
)
def test_refuses_an_old_architecture_that_is_not_spelled_out(fields: Any, tmp_path: Path) -> None:
    path = write(tmp_path, says=older(3, architecture=fields))
    assert complaint(path) == ("architecture", f"must hold {KINDS}, classes (int), and nothing else")
    path = write(tmp_path, says={**older(2), "architecture": fields})
    assert complaint(path) == ("architecture", f"must hold {KINDS}, and nothing else")


def test_refuses_an_impossible_old_architecture(tmp_path: Path) -> None:
    path = write(tmp_path, says=older(3, architecture={**FULL, "wiring": "tangled"}))
    assert complaint(path) == ("architecture", "wiring must be summed or paired, not 'tangled'")
    path = write(tmp_path, says=older(3, architecture={**FULL, "conv1_filters": 0}))
    reason = "stage 1's filters must be from 1 to 2048, not 0"
    assert complaint(path) == ("architecture", f"makes no network ({reason})")


def test_refuses_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    card = path.with_suffix(".json")
    for content in (b"{", b"\xff\xfe\x00", b"[" * 100_000, None):
        card.unlink() if content is None else card.write_bytes(content)
        field, message = complaint(path)
        assert field == "card"
        assert message.startswith("tiny.json cannot be read (" + "[Errno 2] No such file" * (content is None))
    (tmp_path / "folder.safetensors").mkdir()
    for path in (tmp_path / "none.safetensors", tmp_path / "folder.safetensors"):
        field, message = complaint(path)
        assert field == "file"
        assert message.startswith("not a readable safetensors file (")


DIFFERS = "differs between the checkpoint and tiny.json; restore both, or train again"


def test_refuses_a_card_that_differs(tmp_path: Path) -> None:
    path = write(tmp_path)
    true = json.loads(path.with_suffix(".json").read_text())
    for key in true:
        for card in ({**true, key: "another"}, {name: value for name, value in true.items() if name != key}):
            path.with_suffix(".json").write_text(json.dumps(card))
            assert complaint(path) == (key, DIFFERS)
    path.with_suffix(".json").write_text(json.dumps({**true, "extra": 1, "name": "other"}))
    assert complaint(path) == ("extra, name", DIFFERS)
    path.with_suffix(".json").write_text("[]")
    assert complaint(path) == ("everything", DIFFERS)


@pytest.mark.parametrize("architecture", [Architecture((Stage(1, 3),), 32), Architecture((Stage(1, 3),), 28, 3)])
def test_only_images_of_mnists_size_are_prepared_as_mnists(architecture: Architecture, tmp_path: Path) -> None:
    says = document(random_weights(architecture, 1).astype(np.float32)).model_dump(mode="json")
    found = complaint(write(tmp_path, says={**says, "preprocessing": "mnist"}))
    assert found == ("preprocessing", "mnist is for grey images of 28×28; must be resize")


IMPORTED = {
    **{"file": "tiny.onnx", "sha256": "0" * 64, "format": "ONNX", "made_by": "somebody", "mean": [0], "std": [1]},
    **{"range_by": "asked for", "folded": [], "difference": None, "compared": 0},
}


@pytest.mark.parametrize("absent", ["dataset", "accuracy"])
def test_an_imported_network_has_an_accuracy_with_the_data_set_it_was_measured_on(absent: str, tmp_path: Path) -> None:
    says = changed(imported=IMPORTED, recipe=None, training=None, selection=None, calibration=None)
    assert load(write(tmp_path, says=says)).card.accuracy is not None
    assert load(write(tmp_path, says={**says, "dataset": None, "accuracy": None})).card.accuracy is None
    found = complaint(write(tmp_path, says={**says, absent: None}))
    assert found == ("accuracy", "must be there if there is a data set, and only then")
