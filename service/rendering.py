"""Results as files: one table of what draws each, of which HTTP and ``Result.save`` take theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.occlusion import OcclusionExplanation
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.result import Prediction, Result
from konkyo.service.drawing.grounds import grounds
from konkyo.service.drawing.ledger import ledger
from konkyo.service.drawing.occlusion import occlusion
from konkyo.service.drawing.prediction import prediction
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.drawing.process import process
from konkyo.service.drawing.shapley import shapley
from konkyo.service.handout import handout


@dataclass(frozen=True)
class Rendering:
    """What draws the results of a type.

    Attributes
    ----------
    picture
        A result as a picture.
    document
        A result as an HTML document that works by itself; None if there is none.
    """

    picture: Callable[[Any, Style], Canvas]
    document: Callable[[Any, Style], bytes] | None = None


RENDERINGS: Mapping[type[Result], Rendering] = {
    Prediction: Rendering(prediction),
    FilterExplanation: Rendering(ledger),
    Process: Rendering(process),
    OcclusionExplanation: Rendering(occlusion),
    ShapleyExplanation: Rendering(shapley),
    Grounds: Rendering(grounds, handout),
}


def rendered(result: Result, style: Style, *, html: bool = False) -> bytes:
    """A result as a picture in the form of the style, or as its document in HTML, where it has one."""
    drawer = RENDERINGS[type(result)]
    if html and drawer.document:
        return drawer.document(result, style)
    return drawer.picture(result, style).encode()
