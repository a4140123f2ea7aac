"""What a card must hold, and that it says the same as the checkpoint."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.documents import changed, complaint, document, write


@pytest.mark.parametrize("version", [0, 4, "1", True, 2.0, None, [1]])
def test_refuses_another_format_version(version: Any, tmp_path: Path) -> None:
    path = write(tmp_path, says=changed(format_version=version))
    assert complaint(path) == ("format_version", f"must be 1, 2 or 3, not {version!r}")


def test_refuses_missing_metadata(tmp_path: Path) -> None:
    path = write(tmp_path, metadata={"format": "pt"})
    assert complaint(path) == ("metadata", "has no 'konkyo' entry: not made by Konkyo's trainer")


@pytest.mark.parametrize("text", ["", "{", "nonsense", "{'a': 1}", "[" * 100_000])
def test_refuses_metadata_that_is_not_json(text: str, tmp_path: Path) -> None:
    field, message = complaint(write(tmp_path, metadata={"konkyo": text}))
    assert field == "metadata"
    assert message.startswith("is not JSON (")


@pytest.mark.parametrize(("text", "kind"), [("[]", "list"), ("3", "int"), ('"x"', "str"), ("null", "NoneType")])
def test_refuses_metadata_that_is_no_object(text: str, kind: str, tmp_path: Path) -> None:
    path = write(tmp_path, metadata={"konkyo": text})
    assert complaint(path) == ("metadata", f"must be an object, not {kind}")


def test_refuses_a_missing_field(tmp_path: Path) -> None:
    for key in set(document()) - {"format_version"}:
        says = {name: value for name, value in document().items() if name != key}
        assert complaint(write(tmp_path, says=says)) == (key, "is missing from the metadata")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("classes", "0123456789", "must be a list of names"),
        ("classes", ["a"], "must be 2 to 64 names, not 1"),
        ("classes", ["a", "b"], "must be 10 names, as the architecture says"),
        ("classes", [*"abcdefgh", "", "j"], "each must be text of 1 to 64 characters, not ''"),
        ("classes", [*"abcdefgh", 9, "j"], "each must be text of 1 to 64 characters, not 9"),
        ("classes", [*"abcdefgh", "i\n", "j"], "each must be printable, without spaces at its ends, not 'i\\n'"),
        ("classes", [*"abcdefgh", "a", "j"], "each must stand once, and 'a' stands 2 times"),
        ("preprocessing", "crop", "must be mnist or resize, not 'crop'"),
        ("polarity", None, "must be auto or light-on-dark or dark-on-light, not None"),
        ("warnings", ["blue"], "must be a list of some of mostly-ink, several-pieces"),
        ("dataset", {"name": "some"}, "must hold the name and the licence of the data set"),
    ],
)
def test_refuses_a_wrong_description(field: str, value: Any, message: str, tmp_path: Path) -> None:
    assert complaint(write(tmp_path, says=changed(**{field: value}))) == (field, message)


def test_refuses_another_name(tmp_path: Path) -> None:
    path = write(tmp_path, says=changed(name="huge"))
    assert complaint(path) == ("name", "is 'huge', but the file is called 'tiny'")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"conv1_filters": 0}, "stage 1's filters must be from 1 to 64, not 0"),
        ({"conv1_kernel": 29}, "stage 1's kernel must be from 1 to 28, not 29"),
    ],
)
def test_refuses_an_impossible_architecture(fields: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, says=changed(architecture={**document()["architecture"], **fields}))
    assert complaint(path) == ("architecture", f"makes no network ({reason})")


FULL: Any = document()["architecture"]
LESS = {name: value for name, value in FULL.items() if name != "conv2_bias"}


@pytest.mark.parametrize("fields", [None, [], "summed", {}, 7, LESS, {**FULL, "depth": 3}], ids=str)
def test_refuses_an_architecture_that_is_not_spelled_out(fields: Any, tmp_path: Path) -> None:
    known = "wiring, conv1_filters, conv2_filters, conv1_kernel, conv2_kernel, conv2_bias, classes"
    path = write(tmp_path, says=changed(architecture=fields))
    assert complaint(path) == ("architecture", f"must hold {known}, and nothing else")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("wiring", "tangled", "summed or paired"),
        ("wiring", ["summed"], "of type str"),
        ("conv1_filters", "1", "of type int"),
        ("conv1_filters", 1.0, "of type int"),
        ("conv1_kernel", 5.0, "of type int"),
        ("conv2_filters", True, "of type int"),
        ("conv2_bias", 1, "of type bool"),
        ("conv2_bias", "yes", "of type bool"),
        ("conv2_bias", None, "of type bool"),
    ],
)
def test_refuses_fields_of_another_kind(name: str, value: Any, wanted: str, tmp_path: Path) -> None:
    path = write(tmp_path, says=changed(architecture={**document()["architecture"], name: value}))
    assert complaint(path) == ("architecture", f"{name} must be {wanted}, not {value!r}")


def test_refuses_a_parameter_count_that_is_not_the_architectures(tmp_path: Path) -> None:
    path = write(tmp_path, says=changed(parameters=297))
    assert complaint(path) == ("parameters", "must be 296, the architecture's count, not 297")


def test_refuses_a_missing_or_unreadable_card(tmp_path: Path) -> None:
    path = write(tmp_path)
    card = path.with_suffix(".json")
    for content in (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000):
        card.write_bytes(content)
        field, message = complaint(path)
        assert field == "card"
        assert message.startswith("tiny.json cannot be read (")
    card.unlink()
    field, message = complaint(path)
    assert field == "card"
    assert message.startswith("tiny.json cannot be read ([Errno 2] No such file or directory")


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


@pytest.mark.parametrize("card", [[], "tiny", 3, False])
def test_refuses_a_card_that_is_no_object(card: Any, tmp_path: Path) -> None:
    assert complaint(write(tmp_path, card=card)) == ("everything", DIFFERS)


def test_refuses_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    for path in (tmp_path / "none.safetensors", tmp_path / "folder.safetensors"):
        field, message = complaint(path)
        assert field == "file"
        assert message.startswith("not a readable safetensors file (")


@pytest.mark.parametrize("accuracy", [{}, {"test": "98 %"}, {"test": 1.5}, [], None])
def test_an_accuracy_must_be_one(tmp_path: Path, accuracy: Any) -> None:
    path = write(tmp_path, says=changed(accuracy=accuracy))
    assert complaint(path) == ("accuracy", "must hold the share of correctly predicted test images, 0…1")
