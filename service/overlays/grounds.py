"""The grounds as a picture: the order in which ink speaks for the digit, and the little that is enough, and needed."""

import numpy as np
from PIL import Image

from models.architecture import IMAGE_SIDE
from models.grounds import Grounds
from models.network import Array
from models.regions import Regions
from service.overlays.canvas import MARGIN, NOTE, TOP, Box, Canvas, Theme, ThemeName
from service.overlays.colourbar import ORDER_WIDTH, order_bar
from service.overlays.colours import MUTED, diverging, grey
from service.overlays.magnified import CAPTION, HEIGHT, MAP, draw_dots, draw_outlines
from service.overlays.outline import NONE

# In logical units.
_BAR_GAP = 20
_TILE, _PITCH, _BASELINE = 3 * IMAGE_SIDE, 112, 17


def grounds(
    image: Array,
    found: Grounds,
    probabilities: Array,
    *,
    regions: Regions,
    fill: float,
    scale: int = 1,
    theme: ThemeName = Theme.LIGHT,
) -> Image.Image:
    """Draw when each pixel was moved, with the digit on it as dots and the grounds outlined.

    Beside it stand the whole picture, the grounds alone, and the picture without them, each with what is read in it.

    Parameters
    ----------
    image
        (28, 28) in [0, 1]; 1 is ink, which is dark on the light theme and light on the dark one.
    found
        The order, and the proof if there is one.
    probabilities
        (10,): of the ten digits in the whole picture.
    regions, fill
        What was moved, and the grey of the empty sheet.
    scale
        Pixels a logical unit, 1…4.
    theme
        Light or dark paper.
    """
    canvas = Canvas(MAP.right + _BAR_GAP + ORDER_WIDTH + MARGIN, HEIGHT, scale, theme)
    proof, target = found.proof, found.target
    canvas.heading(f"read {found.predicted}: {'the' if proof else 'no'} grounds for {target}")
    readings = [("whole", image, probabilities)]
    if proof:
        readings += [
            ("alone", np.where(proof.kept, image, fill), proof.alone),
            ("without", np.where(proof.kept, fill, image), proof.without),
        ]
    for place, (name, picture, read) in enumerate(readings):
        tile = Box(MARGIN, TOP + place * _PITCH, MARGIN + _TILE, TOP + place * _PITCH + _TILE)
        canvas.tile(tile, grey(picture))
        canvas.text(MARGIN, tile.bottom + _BASELINE, f"{name}: {read.argmax()}, {read.max():.1%}", NOTE)
    canvas.tile(MAP, diverging(found.heatmap(), 1))
    draw_dots(canvas, image)
    if proof:
        draw_outlines(canvas, np.where(proof.kept, 0, NONE))
    order_bar(canvas, MAP.right + _BAR_GAP, MAP.top, MAP.height, "order")
    canvas.text(MARGIN, CAPTION, _caption(found, regions, fill), NOTE, MUTED)
    return canvas.image()


def _caption(found: Grounds, regions: Regions, fill: float) -> str:
    kind = f"regions of {regions.region}×{regions.region} pixels, stride {regions.step}, fill {fill:g}"
    if not found.proof:
        return f"{kind}: none are read as {found.target} alone and leave another digit without them"
    count = f"outlined: {found.proof.regions} of {len(found.order)} {kind}"
    return f"{count}; alone {found.target} is read, without them {found.proof.without.argmax()}"
