"""The Shapley explanation of one class of one image, optionally split by filter pair."""

from dataclasses import dataclass

import numpy as np

from konkyo.models.checks import check_question
from konkyo.models.empty import Empty
from konkyo.models.faithfulness import Faithfulness, faithfulness
from konkyo.models.games import cells_of
from konkyo.models.hiding import Hiding
from konkyo.models.network import Array, Network
from konkyo.models.occlusion import pair_heatmaps
from konkyo.models.result import ClassResult
from konkyo.models.shapley import PairValues, RegionValues, pair_values_of, values_of


@dataclass(frozen=True, kw_only=True)
class ShapleyExplanation(ClassResult):
    """The Shapley values of the regions for a class: ``logit = empty + Σ values``.

    Attributes
    ----------
    hiding
        The regions and the fill value.
    values
        The Shapley values.
    empty
        The prediction with everything hidden.
    pairs
        The values split by filter pair; None unless requested.
    faithfulness
        Faithfulness of the order of the values; None unless requested.
    """

    hiding: Hiding
    values: RegionValues
    empty: Empty
    pairs: PairValues | None
    faithfulness: Faithfulness | None

    def heatmap(self) -> Array:
        """(28, 28): the value of the region that covers each pixel."""
        return self.hiding.regions.spread(self.values.values)

    def pair_heatmaps(self) -> Array:
        """(28, 28, A, B): for each pixel and filter pair, the value of the region that covers the pixel.

        Raises
        ------
        ValueError
            The pairs were not requested.
        """
        if self.pairs is None:
            raise ValueError("the result holds no pairs; explain_shapley computes them with pairs=True")
        return pair_heatmaps(self.pairs.pairs, self.hiding.regions)


def explain_shapley(
    network: Network,
    image: Array,
    target: int | None = None,
    versus: int | None = None,
    region: int = 4,
    fill: float = 0.0,
    *,
    pairs: bool = False,
    faithful: bool = False,
) -> ShapleyExplanation:
    """Explain one class of one image by the Shapley values of its regions.

    Parameters
    ----------
    network, image, target, versus
        As in ``explain_filters``.
    region, fill
        As in ``shapley_values``.
    pairs
        Whether to split the values by filter pairs.
    faithful
        Whether to measure faithfulness.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    ParameterError
        A class or fill out of range, a class against itself, or regions that take too much work.
    """
    check_question(target, versus, network.classes)
    cells = cells_of(network, image, region, fill, pairs=pairs)
    found = values_of(cells.class_games(), network, image, fill)
    explained = found.predicted if target is None else target
    check_question(explained, versus, network.classes)
    values = found.of(explained, versus)
    hiding = Hiding(found.regions, fill)
    order = np.argsort(-values.values.ravel(), kind="stable")
    return ShapleyExplanation(
        network=network,
        image=image,
        logits=found.logits,
        target=explained,
        versus=versus,
        hiding=hiding,
        values=values,
        empty=found.empty,
        pairs=pair_values_of(cells.pair_games(explained, versus), network) if pairs else None,
        faithfulness=faithfulness(network, image, hiding, order, explained) if faithful else None,
    )
