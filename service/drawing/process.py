"""Picture of the whole process as a slide: from the image through every layer to the prediction (Fig. 2)."""

from collections.abc import Sequence

from PIL import Image

from konkyo.models.architecture import Wiring
from konkyo.models.contributions import Ledger, Process
from konkyo.models.network import Network
from konkyo.service.drawing.layout.layers import Grid
from konkyo.service.drawing.layout.places import Emphasis, Place, name_places, name_width, places
from konkyo.service.drawing.layout.slide import LINE, NAME, NAME_SIZE, PAIRS, SIZES, Slide
from konkyo.service.drawing.layout.wording import class_name
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, Box, Canvas, decimals_for
from konkyo.service.drawing.primitives.canvas import number as written
from konkyo.service.drawing.primitives.colourbar import colour_strip
from konkyo.service.drawing.primitives.colours import (
    ACCENT,
    INK,
    MUTED,
    SHADES,
    Array,
    Pixels,
    diverging,
    grey,
    limit_of,
    signed_grey,
)
from konkyo.service.drawing.primitives.style import Style

# Background of the predicted class's maps.
TINT = ACCENT - SHADES + 3
_PREDICTED_SIZE = 44
# Width of a pair's numbers above its column.
_PAIR_WIDTH = 30
_LEAST_STRIP, _NAMES_GAP = 80, 20


def process(result: Process, style: Style = Style()) -> Image.Image:
    """Draw the image, the maps of conv1, pool1, conv2 and pool2, the maps of all pairs for all classes, and the logits.

    conv1 and conv2 are shown before ReLU, pool1 and pool2 after it. The row of the predicted class is emphasised. In it
    the greatest contribution is framed red, the second blue. Each layer has its own scale. Lines lead from maps to the
    maps computed from them. The filters are drawn beside their maps, unless there are many.
    """
    network, trace, ledger, predicted = result.network, result.trace, result.ledger, result.predicted
    slide = Slide(network.architecture, tuple(class_name(network, number) for number in range(len(network.classes))))
    canvas = Canvas(*slide.size, style)
    winners = places(ledger.contributions[predicted])
    canvas.heading(f"predicted {class_name(network, predicted)}: step by step")
    _draw_links(canvas, slide)
    _draw_input(canvas, slide, result.image)
    for layer, maps in enumerate((trace.conv1, trace.pool1, trace.conv2, trace.pool2)):
        _draw_layer(canvas, slide, layer, maps)
    _draw_filters(canvas, slide, network)
    _draw_field(canvas, slide, ledger, predicted, winners)
    _draw_logits(canvas, slide, trace.logits, predicted)
    return canvas.image()


def _middle(box: Box) -> int:
    return (box.left + box.right) // 2


def _head(canvas: Canvas, x: int, name: str, sizes: str, align: float = 0.5) -> None:
    canvas.text(x, NAME, name, BODY, align=align, strong=True)
    canvas.text(x, SIZES, sizes, NOTE, MUTED, align=align)


def _draw_links(canvas: Canvas, slide: Slide) -> None:
    (conv1,), (pool1,) = slide.grids(0), slide.grids(1)
    _link(canvas, [slide.digit], conv1.column(0), conv1.lead)
    _link_rows(canvas, conv1, pool1)
    for group, (conv2, pool2) in enumerate(zip(slide.grids(2), slide.grids(3), strict=True)):
        paired = slide.architecture.wiring is Wiring.PAIRED
        sources = [pool1.box(group)] if paired else pool1.column(pool1.columns - 1)
        _link(canvas, sources, conv2.column(0), conv2.lead)
        _link_rows(canvas, conv2, pool2)
    last = [box for grid in slide.grids(3) for box in grid.column(grid.columns - 1)]
    _link(canvas, last, [slide.tag(number) for number in range(slide.architecture.classes)])


def _link_rows(canvas: Canvas, grid: Grid, pooled: Grid) -> None:
    for source, target in zip(grid.column(0), pooled.column(0), strict=True):
        y = source.top + source.height // 2
        canvas.line((source.right, y), (target.left, y))


def _link(canvas: Canvas, sources: Sequence[Box], targets: Sequence[Box], lead: int = 0) -> None:
    """Draw lines from all sources to all targets, joined by a vertical line halfway."""
    x = (max(box.right for box in sources) + min(box.left for box in targets) - lead) // 2
    heights = [box.top + box.height // 2 for box in (*sources, *targets)]
    canvas.line((x, min(heights)), (x, max(heights)))
    ends = [box.right for box in sources] + [box.left for box in targets]
    for end, y in zip(ends, heights, strict=True):
        canvas.line((x, y), (end, y))


def _draw_input(canvas: Canvas, slide: Slide, image: Array) -> None:
    _head(canvas, _middle(slide.digit), "image", f"{len(image)}×{len(image)}")
    canvas.tile(slide.digit, grey(image))
    for baseline, text in zip(slide.lines, ("Filters: grey is 0, ink", "the largest weight."), strict=True):
        canvas.text(slide.digit.left, baseline, text, NOTE, MUTED)


def _draw_layer(canvas: Canvas, slide: Slide, layer: int, maps: Array) -> None:
    column, shape, pooled = slide.column(layer), slide.layers[layer], layer % 2 == 1
    _head(canvas, _middle(column), shape.name, shape.sizes)
    limit = limit_of(maps)
    # After ReLU nothing is below zero: the background is 0.
    greys = grey(maps / (limit or 1)) if pooled else signed_grey(maps, limit)
    shades = greys.reshape(shape.groups, shape.maps, *maps.shape[-2:])
    for grid, some in zip(slide.grids(layer), shades, strict=True):
        _draw_grid(canvas, grid, some)
    colour_strip(canvas, slide.strip(column.left, column.right), limit, signed=not pooled, greys=True)
    words = "after ReLU" if pooled else "before ReLU"
    canvas.text(_middle(column), slide.lines[1], words, NOTE, MUTED, align=0.5)


def _draw_grid(canvas: Canvas, grid: Grid, shades: Pixels, framed: bool = True) -> None:
    """Draw all maps of a grid, (maps, height, width). The last row can be incomplete."""
    full = grid.maps - grid.maps % grid.columns
    for start, some in ((0, shades[:full]), (full, shades[full:])):
        if len(some):
            rows = some.reshape(-1, min(len(some), grid.columns), *some.shape[1:])
            canvas.tiles(grid.box(start), grid.pitch, rows, framed)


def _draw_filters(canvas: Canvas, slide: Slide, network: Network) -> None:
    filters, kernels = network.weights["conv1.weight"][:, 0], network.weights["conv2.weight"]
    for i, shades in enumerate(signed_grey(filters, limit_of(filters))):
        canvas.tile(slide.filter(i), shades)
    if slide.kernels:
        for j, stack in enumerate(signed_grey(kernels, limit_of(kernels))):
            for number, shades in enumerate(stack):
                for group in range(slide.layers[2].groups):
                    canvas.tile(slide.kernel(group, j, number), shades)


def _draw_field(canvas: Canvas, slide: Slide, ledger: Ledger, predicted: int, winners: dict[Place, Emphasis]) -> None:
    field, filters = slide.row(0), ledger.contributions.shape[-1]
    limit = limit_of(ledger.maps)
    shades = diverging(ledger.maps, limit)
    shades = shades.reshape(len(shades), -1, *shades.shape[-2:])
    _head(canvas, _middle(field), "affine", slide.field_sizes)
    canvas.fill(slide.row(predicted), TINT)
    for number, maps in enumerate(shades):
        _draw_grid(canvas, slide.pairs(number), maps, framed=not slide.dense)
    grid = slide.pairs(predicted)
    # The first is drawn last, since the frames of adjacent maps overlap.
    for (i, j), (colour, _) in reversed(winners.items()):
        canvas.frame(grid.box(i * filters + j), colour, *slide.frame)
    if grid.columns == grid.maps and grid.pitch[1] >= _PAIR_WIDTH:
        for place in range(grid.columns):
            i, j = divmod(place, filters)
            canvas.text(_middle(grid.box(place)), PAIRS, f"{i}×{j}", NOTE, MUTED, align=0.5)
    names = max((name_width(pair, name) for pair, (_, name) in winners.items()), default=0)
    # The names are right-aligned with the logits, if there is room.
    right = max(slide.logit(0).right - names - _NAMES_GAP, field.left + _LEAST_STRIP)
    strip = slide.strip(field.left, right)
    colour_strip(canvas, strip, limit)
    canvas.text(_middle(strip), slide.lines[1], "per cell", NOTE, MUTED, align=0.5)
    name_places(canvas, strip.right + _NAMES_GAP, slide.lines[0], winners, LINE)


def _draw_logits(canvas: Canvas, slide: Slide, logits: Array, predicted: int) -> None:
    decimals = decimals_for(limit_of(logits))
    right = slide.logit(0).right - 8
    _head(canvas, right, "logit", "sum + bias", align=1)
    for number, (name, value) in enumerate(zip(slide.names, logits.tolist(), strict=True)):
        tag, box, chosen = slide.tag(number), slide.logit(number), number == predicted
        size = SUM if len(name) == 1 else NOTE
        colour = ACCENT if chosen else INK
        if chosen:
            canvas.fill(tag, ACCENT)
            canvas.fill(box, ACCENT)
        canvas.text(_middle(tag), tag.baseline(size), name, size, colour, 0.5, chosen, chosen)
        canvas.text(right, box.baseline(BODY), written(value, decimals), BODY, colour, 1, chosen, chosen)
    canvas.text(slide.right, NAME, "class", BODY, align=1, strong=True)
    row = slide.row(predicted)
    name = slide.names[predicted]
    size = _PREDICTED_SIZE if len(name) == 1 else NAME_SIZE
    canvas.text(slide.right, row.baseline(size), name, size, ACCENT, align=1, strong=True)
