"""The Shapley explanation of one class of one image: what each region adds, and optionally what each filter pair."""

from dataclasses import dataclass

import numpy as np

from models.checks import check_question
from models.empty import Empty
from models.faithfulness import Faithfulness, faithfulness
from models.hiding import Hiding
from models.network import Array, Network
from models.regions import Regions
from models.result import ClassResult
from models.shapley import PairValues, RegionValues, pair_values, shapley_values


@dataclass(frozen=True, kw_only=True)
class ShapleyExplanation(ClassResult):
    """What each region adds to a class: ``logit = empty + Σ values``.

    Attributes
    ----------
    hiding
        The regions, and the grey value that hides them.
    values
        What each region adds.
    empty
        What is predicted where everything is hidden.
    pairs
        What each region adds to each filter pair's contribution; None unless asked.
    faithfulness
        How the values order the regions, measured; None unless asked.
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
        """(28, 28, A, B): the same for each filter pair.

        Raises
        ------
        ValueError
            The pairs were not asked for.
        """
        if self.pairs is None:
            raise ValueError("the result holds no pairs; explain_shapley computes them with pairs=True")
        spread = self.hiding.regions.spread(np.moveaxis(self.pairs.pairs, (0, 1), (-2, -1)))
        return np.moveaxis(spread, (-2, -1), (0, 1))


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
    """The Shapley value of every region for one class of one image.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1].
    target
        The class to explain; None is the predicted one.
    versus
        The contrast class, if there is one.
    region
        Side of the regions in pixels; one of ``models.windows.exact_sides``.
    fill
        The grey value that hides, 0…1.
    pairs
        Whether to split the values by filter pairs.
    faithful
        Whether to measure the explanation's faithfulness.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A class or fill out of range, a class against itself, or a side that is not exact.
    """
    check_question(target, versus)
    found = shapley_values(network, image, region, fill)
    explained = found.predicted if target is None else target
    values = found.of(explained, versus)
    hiding = Hiding(Regions(region), fill)
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
        pairs=pair_values(network, image, explained, versus, region, fill) if pairs else None,
        faithfulness=faithfulness(network, image, hiding, order, explained) if faithful else None,
    )
