"""Picture of the drops of all filter pairs' contributions."""

from PIL import Image

from konkyo.models.hiding.occlusion import OcclusionExplanation, pair_heatmaps
from konkyo.service.drawing.layout.pair_table import pair_table
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words
from konkyo.service.drawing.primitives.style import Style


def pair_drops(result: OcclusionExplanation, style: Style = Style()) -> Image.Image:
    """Draw a heatmap for each filter pair, with the pair's contribution in the whole image beneath it.

    The heat of a pixel is the mean drop of the contribution over the regions that cover the pixel.

    Raises
    ------
    ValueError
        The result was computed without pairs.
    """
    if result.pairs is None or result.contributions is None:
        raise ValueError("the result holds no pairs; explain_occlusion computes them with pairs=True")
    hiding, of = result.occlusion.hiding, class_words(result)
    notes = [
        f"Colour: by how much a pair’s contribution to {of} falls when the pixel is hidden.",
        f"Hidden: {hiding_words(hiding)}.",
    ]
    predicted = class_name(result.network, result.predicted)
    heading = f"predicted {predicted}: what each filter pair takes from where, for {of}"
    heat = pair_heatmaps(result.pairs, hiding.regions)
    return pair_table(heading, result.image, result.network, heat, result.contributions, "drop", notes, style=style)
