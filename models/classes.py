"""The classes of a network: their names, and how a class is asked for."""

from collections.abc import Sequence

from konkyo.models.errors import ParameterError

FEWEST, MOST = 2, 1024
LONGEST_NAME = 64

Names = tuple[str, ...]


def numbered(count: int) -> Names:
    """The names of classes that have none: their numbers from 0, as MNIST's digits."""
    return tuple(map(str, range(count)))


def shortened(name: str, most: int = 10) -> str:
    """A name of at most ``most`` characters: the end of a longer one becomes an ellipsis."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def wrong_names(names: Sequence[object]) -> str | None:
    """What is wrong with the names of classes and what would be right; None if nothing is."""
    if not FEWEST <= len(names) <= MOST:
        return f"must be {FEWEST} to {MOST} names, not {len(names)}"
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            return f"each must be text of 1 to {LONGEST_NAME} characters, not {name!r}"
        if not name.isprintable() or name != name.strip():
            return f"each must be printable, without spaces at its ends, not {name!r}"
    doubled = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    return f"each must stand once, and {doubled[0]!r} stands {names.count(doubled[0])} times" if doubled else None


def find(parameter: str, wanted: str | int, names: Names) -> int:
    """The index of the class with this name or index. Of a text that is both, the name counts.

    Parameters
    ----------
    parameter
        What the error calls ``wanted``.
    wanted
        A name or the decimal digits of an index, as text; or an index, from 0.
    names
        The classes of the network that answers.

    Raises
    ------
    ParameterError
        There is no such class. The message lists the classes.
    """
    text = str(wanted)
    # An index is one, also where names are numbers.
    if isinstance(wanted, str) and text in names:
        return names.index(text)
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) and int(text) < len(names):
        return int(text)
    classes = ", ".join(names)
    if names == numbered(len(names)):
        raise ParameterError(parameter, f"must be one of the classes {classes}")
    raise ParameterError(parameter, f"must be one of the classes {classes}, or a number from 0 to {len(names) - 1}")
