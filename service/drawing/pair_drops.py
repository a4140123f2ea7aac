"""Picture of the drops of the filter pairs' contributions."""

import numpy as np

from konkyo.models.hiding.occlusion import OcclusionExplanation, pair_heatmaps
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words
from konkyo.service.drawing.layout.words import add_words, picture, say
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "drops": (
            "predicted {name}: what each filter pair takes from where, for {of}",
            "「{name}」と認識。フィルタの組が画像のどこから「{of}」の値を得るか",
        ),
        "drops note": (
            "Colour: by how much a pair’s contribution to {of} falls when the pixel is hidden.",
            "色: その画素を隠したとき、組の「{of}」への貢献度が下がる量。",
        ),
        "drop of pair": ("drop", "低下"),
    }
)


@picture
def pair_drops(result: OcclusionExplanation, style: Style = Style()) -> Canvas:
    """Draw a heatmap for each filter pair, with the pair's contribution in the whole image beneath it.

    The heat of a pixel is the mean drop of the contribution over the regions that cover the pixel. Of many pairs those
    with the greatest contributions are drawn.

    Raises
    ------
    ValueError
        The result was computed without pairs.
    """
    if result.pairs is None or result.contributions is None:
        raise ValueError("the result holds no pairs; ask with pairs=True")
    hiding, of = result.occlusion.hiding, class_words(result)
    notes = [
        say("drops note", of=of),
        say("hidden", hiding=hiding_words(hiding)),
    ]
    heading = say("drops", name=class_name(result.network, result.predicted), of=of)
    heat = np.moveaxis(pair_heatmaps(result.pairs, hiding.regions), (2, 3), (0, 1))
    return draw_pairs(
        heading,
        result.network,
        result.image,
        heat,
        result.contributions,
        say("drop of pair"),
        notes,
        style=style,
        heat=True,
    )
