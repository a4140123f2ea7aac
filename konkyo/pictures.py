"""Pictures of results, as the service draws them: the one place that asks for their bytes, by the form of the file."""

from dataclasses import replace
from typing import Literal

from konkyo.models.errors import ParameterError
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.games import class_games
from konkyo.models.result import Result


def draw(
    result: Result, suffix: str, scale: int, theme: Literal["light", "dark"], language: Literal["en", "ja"]
) -> bytes:
    """A result as a file of this suffix; parameters as in ``Result.save``.

    Raises
    ------
    ParameterError
        There is no such suffix, scale, theme or language.
    """
    # Neither Pillow nor its fonts are loaded before the first picture.
    from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme

    form = suffix.lower().removeprefix(".")
    forms = [*map(str, Form), *(["html"] if isinstance(result, Grounds) else [])]
    if form not in forms:
        suffixes = " or ".join(f".{one}" for one in forms)
        raise ParameterError("path", f"must end with {suffixes}, not with {suffix or 'no suffix'!r}")
    for name, value, kinds in (("theme", theme, [*Theme]), ("language", language, [*Language])):
        if value not in kinds:
            raise ParameterError(name, f"must be {' or '.join(kinds)}, not {value!r}")
    try:
        style = Style(scale, Theme(theme), Form.SVG if form == "html" else Form(form), Language(language))
    except ValueError as error:
        raise ParameterError("style", str(error)) from error
    if isinstance(result, Grounds) and form == "html":
        from konkyo.service.handout import handout

        if result.games is None:
            hiding = result.hiding
            games = class_games(result.network, result.image, hiding.regions.region, hiding.fill)
            result = replace(result, games=games.gathered())
        return handout(result, style)
    from konkyo.service import drawing

    return drawing.draw(result, style).encode()
