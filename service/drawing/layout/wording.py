"""Phrases that several pictures share."""

from models.hiding import Hiding
from models.result import ClassResult


def class_words(result: ClassResult) -> str:
    """The explained class, or the difference of two classes."""
    return f"{result.target}" if result.versus is None else f"{result.target} − {result.versus}"


def hiding_words(hiding: Hiding) -> str:
    """The side and stride of the regions, and the fill value."""
    side = hiding.regions.region
    return f"regions of {side}×{side} pixels, stride {hiding.regions.step}, fill {hiding.fill:g}"


def times(count: int, one: str) -> str:
    """A number with a noun, in the singular or plural."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
