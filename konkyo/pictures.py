"""Pictures of results, as the service draws them: the one place that asks for their bytes, by the form of the file."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from konkyo.models.contributions import FilterExplanation, Process
from konkyo.models.errors import ParameterError
from konkyo.models.grounds.proofs import Grounds, grounds
from konkyo.models.hiding.occlusion import OcclusionExplanation
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.result import Prediction, Result

if TYPE_CHECKING:
    from konkyo.service.drawing.primitives.canvas import Canvas
    from konkyo.service.drawing.primitives.style import Style


def draw(result: Result, suffix: str, scale: int, theme: Literal["light", "dark"]) -> bytes:
    """A result as a file of this suffix; parameters as in ``Result.save``.

    Raises
    ------
    ParameterError
        There is no such suffix, scale or theme.
    """
    # Neither Pillow nor its fonts are loaded before the first picture.
    from konkyo.service.drawing.primitives.style import Form, Style, Theme

    form = suffix.lower().removeprefix(".")
    is_page = form == "html" and isinstance(result, Grounds)
    if form not in [*Form] and not is_page:
        forms = " or ".join(f".{one}" for one in [*Form, *(["html"] if isinstance(result, Grounds) else [])])
        raise ParameterError("path", f"must end with {forms}, not with {suffix or 'no suffix'!r}")
    if theme not in [*Theme]:
        raise ParameterError("theme", f"must be {' or '.join(Theme)}, not {theme!r}")
    try:
        style = Style(scale, Theme(theme), Form.SVG if is_page else Form(form))
    except ValueError as error:
        raise ParameterError("scale", str(error).removeprefix("scale ")) from error
    if isinstance(result, Grounds) and is_page:
        from konkyo.service.handout import handout

        if result.games is None:
            hiding = result.hiding
            result = grounds(result.network, result.image, hiding.regions.region, hiding.fill, tables=True)
        return handout(result, style)
    return _drawing(result)(result, style).encode()


def _drawing(result: Result) -> "Callable[[Any, Style], Canvas]":
    from konkyo.service import drawing

    if isinstance(result, OcclusionExplanation) and result.pairs is not None:
        return drawing.pair_drops
    if isinstance(result, ShapleyExplanation) and result.interactions is not None:
        return drawing.interactions
    drawings: Mapping[type[Result], Callable[[Any, Style], Canvas]] = {
        Prediction: drawing.prediction,
        FilterExplanation: drawing.ledger,
        OcclusionExplanation: drawing.occlusion,
        ShapleyExplanation: drawing.shapley,
        Grounds: drawing.grounds,
        Process: drawing.process,
    }
    return drawings[type(result)]
