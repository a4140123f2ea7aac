"""Phrases that several pictures share."""

from konkyo.models.classes import shortened
from konkyo.models.hiding.regions import FillKind, Hiding
from konkyo.models.network import Network
from konkyo.models.result import ClassResult
from konkyo.service.drawing.layout.words import named, say, style_now
from konkyo.service.drawing.primitives.letters import writable
from konkyo.service.drawing.primitives.style import Form, Language

# Characters of a class's name at most, in a sentence or a heading.
_LONGEST = 32


def class_name(network: Network, number: int, most: int = _LONGEST) -> str:
    """The name of a class, cut if it is long; ``class 3`` if the pictures' font has no letters for it."""
    name = network.classes[number]
    # An SVG leaves the letters to its reader.
    return shortened((name if style_now().form is Form.SVG else writable(name)) or say("class", number=number), most)


def class_words(result: ClassResult) -> str:
    """The explained class, or the difference of two classes."""
    target = class_name(result.network, result.target)
    if result.versus is None:
        return target
    return say("difference", target=target, versus=class_name(result.network, result.versus))


def logit_words(result: ClassResult) -> str:
    """The logit of the explained class, or the difference of two logits."""
    target = say("logit", name=class_name(result.network, result.target))
    if result.versus is None:
        return target
    return say("difference", target=target, versus=say("logit", name=class_name(result.network, result.versus)))


def article(name: str) -> str:
    """A name with its indefinite article, in a language that has one."""
    if style_now().language is Language.JAPANESE:
        return name
    return f"an {name}" if name[0].lower() in "aeiou8" else f"a {name}"


def many(name: str) -> str:
    """Several images of a class: ``7s``, or ``images of giraffe``."""
    return say("many digits" if name.isdecimal() else "many images", name=name)


def below(network: Network, number: int) -> str:
    """The name of a map that enters the last stage: ``map 2``, or a channel of the image."""
    if len(network.architecture.stages) > 1:
        return say("map", number=number)
    return say(("red", "green", "blue")[number] if network.architecture.channels > 1 else "image")


def pair_name(network: Network, pair: tuple[int, int]) -> str:
    """The name of a filter pair: ``map 1 × filter 2``."""
    return say("pair", below=below(network, pair[0]), filter=pair[1])


def pairs_note(network: Network) -> str:
    """What a pair is."""
    last = len(network.architecture.stages)
    return say("maps and filters", map=last - 1, filter=last) if last > 1 else say("filters")


def hiding_words(hiding: Hiding) -> str:
    """The side and stride of the regions, and the fill."""
    side, fill = hiding.regions.region, hiding.fill
    said = named(fill.value) if isinstance(fill, FillKind) else f"{fill:g}"
    return say("hiding", side=side, step=hiding.regions.step, fill=said)
