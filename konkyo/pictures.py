"""Pictures of results: as the service draws them, by the form of the file, and on axes of matplotlib."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from konkyo.models.classes import shortened
from konkyo.models.errors import ParameterError
from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.occlusion import OcclusionExplanation
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.network import Array, softmax
from konkyo.models.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Characters of a class's name in a title.
_LONGEST = 40


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
    from konkyo.service.rendering import RENDERINGS, rendered

    form = suffix.lower().removeprefix(".")
    forms = [*map(str, Form), *(["html"] if RENDERINGS[type(result)].document else [])]
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
    if form == "html" and isinstance(result, Grounds) and result.games is None:
        hiding = result.hiding
        games = class_games(result.network, result.image, hiding.regions.region, hiding.fill)
        result = replace(result, games=games.gathered())
    return rendered(result, style, html=form == "html")


def plot(result: Result, ax: "Axes | None" = None) -> "Axes":
    """Draw a result on axes of matplotlib, by default on those of a new figure, and return them.

    Of a prediction the probabilities; of the filters and of the process a cell for each pair; of what hides regions the
    image below its heat map; of grounds the image and a frame around each region of the two sets.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ImportError("plot needs matplotlib; `pip install matplotlib` installs it") from error
    from konkyo.trainer.figures.style import ACCENT

    if ax is None:
        _, ax = pyplot.subplots(layout="constrained")
    if isinstance(result, FilterExplanation | Process):
        _plot_signed(ax, result.account.contributions)
        from matplotlib.ticker import MaxNLocator

        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="filter", ylabel="map", title=f"What each pair adds to the logit of {result.asked}")
    elif isinstance(result, OcclusionExplanation | ShapleyExplanation):
        _plot_image(ax, result.image)
        _plot_signed(ax, result.heatmap(), alpha=0.7)
        of = (
            f"drop of the {result.score}" if isinstance(result, OcclusionExplanation) else "Shapley values of the logit"
        )
        ax.set_title(f"{of[0].upper()}{of[1:]} of {result.asked}")
    elif isinstance(result, Grounds):
        _plot_grounds(ax, result)
    else:
        names = [shortened(name, _LONGEST) for name in result.network.classes]
        ax.barh(names, softmax(result.logits), color=ACCENT)
        ax.invert_yaxis()
        ax.set(xlim=(0, 1), xlabel="probability", title=f"It is {shortened(result.label, _LONGEST)}")
    return ax


def _plot_image(ax: "Axes", image: Array) -> None:
    ax.imshow(np.moveaxis(image, 0, -1) if image.ndim == 3 else image, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])


def _plot_signed(ax: "Axes", values: Array, **style: Any) -> None:
    """Cells with zero in the middle of the scale, which stands beside them."""
    from konkyo.trainer.figures.style import DIVERGING

    limit = float(np.abs(values).max()) or 1.0
    cells = ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, **style)
    ax.figure.colorbar(cells, ax=ax)


def _plot_grounds(ax: "Axes", result: Grounds) -> None:
    from matplotlib.patches import Rectangle

    from konkyo.trainer.figures.style import ACCENT, AGAINST

    _plot_image(ax, result.image)
    contrast = result.contrast
    other = "" if contrast is None else shortened(result.name(contrast.predicted), _LONGEST)
    sets: list[tuple[Sequence[tuple[int, int]], str, str, str]] = [
        (result.sufficient.regions, ACCENT, "solid", "with these the class stays"),
        (() if contrast is None else contrast.regions, AGAINST, "dashed", f"hiding these makes it {other}"),
    ]
    for places, colour, line, label in sets:
        for number, (row, column) in enumerate(places):
            left, top, right, bottom = result.hiding.regions.box(row, column)
            inset = 0.0 if line == "solid" else 0.5
            frame = Rectangle(
                (left - 0.5 + inset, top - 0.5 + inset),
                right - left - 2 * inset,
                bottom - top - 2 * inset,
                fill=False,
                edgecolor=colour,
                linestyle=line,
                linewidth=2,
                label=label if number == 0 else None,
            )
            ax.add_patch(frame)
    if ax.patches:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0))
    ax.set_title(f"The grounds of {shortened(result.label, _LONGEST)}")
