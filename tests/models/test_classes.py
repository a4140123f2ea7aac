import pytest

from konkyo.models.classes import find, numbered, shortened, wrong_names
from konkyo.models.errors import ParameterError
from tests.helpers.refuse import refuses

ANIMALS = ("bear", "bird", "cat")


@pytest.mark.parametrize(
    ("wanted", "names", "number"),
    [
        ("7", numbered(10), 7),
        (7, numbered(10), 7),
        ("cat", ANIMALS, 2),
        ("0", ANIMALS, 0),
        (1, ANIMALS, 1),
        # Where both fit, the name counts.
        ("1", ("9", "8", "1"), 2),
        (2, ("9", "8", "1"), 2),
        ("B", ("b", "B"), 1),
        ("63", tuple(f"class {number}" for number in range(64)), 63),
    ],
)
def test_a_class_has_a_name_and_a_number(wanted: str | int, names: tuple[str, ...], number: int) -> None:
    assert find("target", wanted, names) == number


@pytest.mark.parametrize("wanted", ["10", "-1", "", "1.0", "٣", "0000000000007", "Cat", -1, 10])
def test_another_class_is_refused_with_those_there_are(wanted: str | int) -> None:
    with refuses(ParameterError, "target: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"):
        find("target", wanted, numbered(10))


@pytest.mark.parametrize("wanted", ["3", "Bear", "horse", 3])
def test_classes_with_names_may_be_asked_for_by_number(wanted: str | int) -> None:
    with refuses(ParameterError, "versus: must be one of the classes bear, bird, cat, or a number from 0 to 2"):
        find("versus", wanted, ANIMALS)


def test_names_of_2_to_64_classes_are_right() -> None:
    assert wrong_names(numbered(2)) is None
    assert wrong_names(numbered(64)) is None
    assert wrong_names(("キリン", "x" * 64, "two words")) is None
    assert wrong_names(numbered(1025)) == "must be 2 to 1024 names, not 1025"
    assert wrong_names(("a", "x" * 65)) == f"each must be text of 1 to 64 characters, not {'x' * 65!r}"


@pytest.mark.parametrize("name", [" a", "a ", "a\nb", "a\x00", "\u202ea"])
def test_a_name_is_printable_and_has_no_spaces_at_its_ends(name: str) -> None:
    assert wrong_names(("a", name)) == f"each must be printable, without spaces at its ends, not {name!r}"


def test_a_long_name_is_cut() -> None:
    assert shortened("rhinoceros", 10) == "rhinoceros"
    assert shortened("rhinoceros beetle", 10) == "rhinocero…"
    assert shortened("polar bear", 7) == "polar…"
