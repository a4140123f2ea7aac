"""Phrases that several pictures share."""

from konkyo.models.classes import shortened
from konkyo.models.hiding.regions import FillKind, Hiding
from konkyo.models.network import Network
from konkyo.models.result import ClassResult
from konkyo.service.drawing.primitives.letters import writable

# Characters of a class's name at most, in a sentence or a heading.
_LONGEST = 32


def class_name(network: Network, number: int, most: int = _LONGEST) -> str:
    """The name of a class, cut if it is long; ``class 3`` if the pictures' font has no letters for it."""
    return shortened(writable(network.classes[number]) or f"class {number}", most)


def class_words(result: ClassResult) -> str:
    """The explained class, or the difference of two classes."""
    target = class_name(result.network, result.target)
    return target if result.versus is None else f"{target} − {class_name(result.network, result.versus)}"


def logit_words(result: ClassResult) -> str:
    """The logit of the explained class, or the difference of two logits."""
    target = f"logit {class_name(result.network, result.target)}"
    return target if result.versus is None else f"{target} − logit {class_name(result.network, result.versus)}"


def article(name: str) -> str:
    """A name with its indefinite article."""
    return f"an {name}" if name[0].lower() in "aeiou8" else f"a {name}"


def many(name: str) -> str:
    """Several images of a class: ``7s``, or ``images of giraffe``."""
    return f"{name}s" if name.isdecimal() else f"images of {name}"


def below(network: Network, number: int) -> str:
    """The name of a map that enters the last stage: ``map 2``, or a channel of the image."""
    if len(network.architecture.stages) > 1:
        return f"map {number}"
    return ("red", "green", "blue")[number] if network.architecture.channels > 1 else "image"


def pair_name(network: Network, pair: tuple[int, int]) -> str:
    """The name of a filter pair: ``map 1 × filter 2``."""
    return f"{below(network, pair[0])} × filter {pair[1]}"


def pairs_note(network: Network) -> str:
    """What a pair is."""
    last = len(network.architecture.stages)
    return f"Maps: of stage {last - 1}. Filters: of stage {last}." if last > 1 else "Filters: of stage 1."


def hiding_words(hiding: Hiding) -> str:
    """The side and stride of the regions, and the fill."""
    side, fill = hiding.regions.region, hiding.fill
    said = fill.value if isinstance(fill, FillKind) else f"{fill:g}"
    return f"regions of {side}×{side} pixels, stride {hiding.regions.step}, fill {said}"


def times(count: int, one: str) -> str:
    """A number with a noun, in the singular or plural."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
