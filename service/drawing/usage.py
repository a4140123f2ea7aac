"""Picture of how each class uses the filters, after the paper's Fig. 4."""

import numpy as np
from PIL import Image

from konkyo.models.network import Network
from konkyo.models.usage import DOMINATES, ClassUsage, PlacedPair, Usage
from konkyo.service.drawing.layout.filter_heads import FILTERS_NOTE
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.wording import class_name
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, SUM, TITLE, Box, Canvas
from konkyo.service.drawing.primitives.colourbar import colour_strip
from konkyo.service.drawing.primitives.colours import FIRST, INK, MUTED, SECOND, diverging, limit_of, signed_grey
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

_STRIP = 160, 6
_HEAD_GAP = 12
# Below the panels: the left edges of two columns of notes, and the distances of their lines.
_FIRST_NOTES, _SECOND_NOTES = 196, 590
_ABOVE_NOTES, _LINE, _END = 18, 18, 78
_NOTES = (
    (
        "Rows are conv1 filters, columns conv2 filters.",
        "Colour: what the pair adds to the class’s logit, on average.",
        "Percent: training images in which the pair adds most.",
    ),
    (f"Red is first, blue second; no blue where first has {DOMINATES:.0%}.", FILTERS_NOTE),
)


def usage(name: str, network: Network, study: Usage | None, style: Style = Style()) -> Image.Image:
    """Draw the filters, and for each class the mean contributions of the pairs, with the first and the second pair.

    Parameters
    ----------
    name
        Name of the checkpoint.
    network
        The network, whose filters are drawn.
    study
        The study of this network; None draws the filters alone.
    style
        The scale and the theme.
    """
    panels = Panels(network.architecture)
    heading = f"{name}: which filter pairs each class uses"
    missing = f"Not studied yet; this does it: python -m trainer study filters --model {name}"
    right, bottom = (panels.right, panels.bottom) if study else (panels.filters_right, panels.filters_bottom)
    texts = round(max(width(heading, TITLE), 0 if study else width(missing, NOTE)))
    canvas = Canvas(max(right, MARGIN + texts) + MARGIN, bottom + _END, style)
    canvas.heading(heading)
    _draw_filters(canvas, panels, network)
    if study:
        _draw_study(canvas, panels, network, study)
    else:
        for line, text in enumerate((missing, FILTERS_NOTE)):
            canvas.text(MARGIN, bottom + _ABOVE_NOTES + 6 + line * _LINE, text, NOTE, MUTED)
    return canvas.image()


def _draw_filters(canvas: Canvas, panels: Panels, network: Network) -> None:
    filters, kernels = network.weights["conv1.weight"][:, 0], network.weights["conv2.weight"]
    limit = limit_of(filters)
    for i, weights in enumerate(filters):
        canvas.tile(panels.filter(i), signed_grey(weights, limit))
    pitch = panels.kernel_pitch
    canvas.tiles(panels.kernel(0, 0), (pitch, pitch), signed_grey(kernels, limit_of(kernels)).swapaxes(0, 1))
    for layer, box in (("conv1", panels.filter(0)), ("conv2", panels.kernel(0, 0))):
        canvas.text(box.left - 9, box.baseline(NOTE), layer, NOTE, MUTED, align=1)
    if not panels.dense:
        numbered = (
            [panels.filter(i) for i in range(len(filters))],
            [panels.kernel(panels.architecture.kernels_per_filter - 1, j) for j in range(len(kernels))],
        )
        for boxes in numbered:
            for number, box in enumerate(boxes):
                canvas.text((box.left + box.right) / 2, box.bottom + 16, f"[{number}]", NOTE, MUTED, align=0.5)


def _draw_study(canvas: Canvas, panels: Panels, network: Network, study: Usage) -> None:
    limit = max(limit_of(one.mean) for one in study.classes)
    for number, one in enumerate(study.classes):
        # A dominated second place counts, but is not framed.
        places = [(one.first, FIRST), (one.second, MUTED if one.dominated else SECOND)]
        styled = [(pair, colour) for pair, colour in places if pair]
        _draw_cells(canvas, panels, number, network, one, [entry for entry in styled if entry[1] != MUTED], limit)
        for place, (pair, colour) in enumerate(styled):
            _draw_place(canvas, panels.icons(number, place), pair, colour, network)
    top = panels.bottom + _ABOVE_NOTES
    strip = Box(MARGIN, top - 6, MARGIN + _STRIP[0], top - 6 + _STRIP[1])
    colour_strip(canvas, strip, limit)
    for left, lines in zip((_FIRST_NOTES, _SECOND_NOTES), _NOTES, strict=True):
        for line, text in enumerate(lines):
            canvas.text(MARGIN + left, top + line * _LINE, text, NOTE, MUTED)


def _draw_cells(
    canvas: Canvas,
    panels: Panels,
    number: int,
    network: Network,
    one: ClassUsage,
    styled: list[tuple[PlacedPair, int]],
    limit: float,
) -> None:
    panel, images = panels.panel(number), f"{one.images:,} images"
    name = cut(class_name(network, number), SUM, panel.width - width(images, NOTE) - _HEAD_GAP)
    canvas.text(panel.left, panel.top + 12, name, SUM, strong=True)
    canvas.text(panel.right, panel.top + 12, images, NOTE, MUTED, align=1)
    cells = diverging(one.mean, limit)[..., None, None]
    canvas.tiles(panels.cell(number, 0, 0), panels.pitch, cells, framed=not panels.dense)
    colours = {(pair.conv1, pair.conv2): colour for pair, colour in styled}
    # The first is drawn last, since the frames of adjacent cells overlap.
    for pair, colour in reversed(colours.items()):
        canvas.frame(panels.cell(number, *pair), colour, *panels.frame)
    if panels.dense:
        return
    for (i, j), count in np.ndenumerate(one.firsts):
        # Half a percent is rounded up: the lines below show the same share with one decimal.
        box, text = panels.cell(number, i, j), f"{(200 * count + one.images) // (2 * one.images)}%"
        colour = colours.get((i, j), MUTED if text == "0%" else INK)
        middle = (box.left + box.right) / 2
        canvas.text(middle, box.bottom + 16, text, NOTE, colour, align=0.5, strong=(i, j) in colours)


def _draw_place(canvas: Canvas, icons: tuple[Box, Box], pair: PlacedPair, colour: int, network: Network) -> None:
    filters, kernels = network.weights["conv1.weight"][:, 0], network.weights["conv2.weight"]
    # With paired wiring, one kernel serves every conv1 filter.
    kernel = kernels[pair.conv2, pair.conv1 % kernels.shape[1]]
    for box, weights, limit in zip(
        icons, (filters[pair.conv1], kernel), (limit_of(filters), limit_of(kernels)), strict=True
    ):
        canvas.tile(box, signed_grey(weights, limit))
        if colour != MUTED:
            canvas.frame(box, colour, 2, 1)
    left, top = icons[1].right + 11, icons[1].top
    canvas.text(left, top + 8, f"{pair.share:.1%}", BODY, colour, strong=True)
    canvas.text(left, top + 22, f"conv1[{pair.conv1}]×conv2[{pair.conv2}]", NOTE, MUTED)
