from typing import TypeVar

T = TypeVar("T")


def sure(value: T | None) -> T:
    """A part of a card that is null for networks of another origin, and is there for this one."""
    assert value is not None
    return value
