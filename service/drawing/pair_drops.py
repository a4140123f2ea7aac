"""Occlusion of contributions as a picture: what each filter pair loses with each part of the image."""

from PIL import Image

from models.occlusion import OcclusionExplanation
from models.pair_drops import pair_heatmaps
from service.drawing.pair_table import pair_table
from service.drawing.style import Style
from service.drawing.wording import class_words, hiding_words


def pair_drops(result: OcclusionExplanation, style: Style = Style()) -> Image.Image:
    """Draw a heatmap for each filter pair: by how much its contribution falls when a pixel is hidden.

    That is the mean over the regions that cover the pixel. Beneath stands the pair's contribution in the whole image.

    Raises
    ------
    ValueError
        A result without the pairs.
    """
    if result.pairs is None or result.contributions is None:
        raise ValueError("the result holds no pairs; explain_occlusion computes them with pairs=True")
    hiding, of = result.occlusion.hiding, class_words(result)
    notes = [
        f"Colour: by how much a pair’s contribution to {of} falls when the pixel is hidden.",
        f"Hidden: {hiding_words(hiding)}.",
    ]
    heading = f"predicted {result.predicted}: what each filter pair takes from where, for {of}"
    heat = pair_heatmaps(result.pairs, hiding.regions)
    return pair_table(heading, result.image, result.network, heat, result.contributions, "drop", notes, style=style)
