"""The grounds of a prediction, proven: regions that suffice for it, and the fewest that change it (DESIGN 4.2).

Both are statements about all hidings of the other regions at once, 2ⁿ for n regions, and neither samples.

- A set of regions is *sufficient* if the class stays however the others are hidden. It is *irreducible* if no region
  can be left out, and *smallest* if no sufficient set has fewer regions (abductive explanation, PI-explanation).
- A *contrast* is a set of regions whose hiding changes the class (contrastive explanation).

A set is sufficient if and only if it meets every contrast. So the smallest one is looked for among the sets that meet
the contrasts found so far: if the class stays with it, it is the one; if not, there is a new contrast (implicit hitting
sets). An irreducible one is found in the same way.

Source: Ignatiev, Narodytska and Marques-Silva, "Abduction-based explanations for machine learning models", AAAI 2019;
Shih, Choi and Darwiche, "A symbolic approach to explaining Bayesian network classifiers", IJCAI 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from models.budget import Budget
from models.contrasts import TOLERANCE, Contrasts
from models.elimination import members
from models.empty import Empty, empty_image
from models.errors import BudgetError, ImageError
from models.hiding import Hiding
from models.hitting_set import irreducible_hitting_set, smallest_hitting_set
from models.local_games import class_games
from models.network import Array, Network
from models.result import Result
from models.shapley import additive_values

# What the search for a smallest set may cost before an irreducible one has to do, and then each of the other questions.
SMALLEST = Budget(entries=2**24, hidings=2**15, nodes=2**12)
OTHER = Budget(entries=2**26, hidings=2**17, nodes=0)

Place = tuple[int, int]


class Status(StrEnum):
    """What is proven about a sufficient set beside that it is one."""

    SMALLEST = "smallest"
    IRREDUCIBLE = "irreducible"


@dataclass(frozen=True)
class SufficientSet:
    """Regions with which the class stays, however the others are hidden.

    Attributes
    ----------
    regions
        (row, column) on the grid, row by row. None at all where the class stays whatever is hidden.
    margin
        The least, over all hidings of the others, by which the class leads the best other one; in units of the logit.
    combinations
        How many hidings that are: 2 to the power of the players that are not in the set.
    status
        Whether it is proven that no set with fewer regions suffices, or only that no region can be left out.
    """

    regions: tuple[Place, ...]
    margin: float
    combinations: int
    status: Status


@dataclass(frozen=True)
class Contrast:
    """The fewest regions whose hiding changes the class. Of several such sets, the one with the least margin.

    Attributes
    ----------
    regions
        (row, column) on the grid, row by row.
    predicted
        The class that is predicted with these regions hidden. Where two lead within 1e-9, the one that is new.
    logits
        (C,): with these regions hidden, from a forward pass.
    """

    regions: tuple[Place, ...]
    predicted: int
    logits: Array


@dataclass(frozen=True, kw_only=True)
class Grounds(Result):
    """On which regions a prediction rests.

    A class stays if it leads by more than 1e-9.

    Attributes
    ----------
    hiding
        The regions, and the grey value that hides them.
    players
        (row, column) of the regions that hiding changes, row by row.
    sufficient
        A smallest or irreducible set that suffices.
    contrast
        None where the class stays whatever is hidden.
    empty
        What is predicted where everything is hidden.
    """

    hiding: Hiding
    players: tuple[Place, ...]
    sufficient: SufficientSet
    contrast: Contrast | None
    empty: Empty


def grounds(network: Network, image: Array, region: int = 4, fill: float = 0.0) -> Grounds:
    """Find a smallest sufficient set of regions and a fewest contrast, and prove them.

    Work is counted and never timed, so an image has one answer. Where a smallest set takes too much work, the set is
    the irreducible one that is left when regions are given up from the least Shapley value on.

    Parameters
    ----------
    network
        float64, since a proof should not rest on rounding.
    image
        (28, 28) in [0, 1].
    region
        Side of the regions in pixels; one of ``models.windows.exact_sides``.
    fill
        The grey that hides, 0…1.

    Raises
    ------
    ImageError
        Not one 28×28 image, not finite, or one in which two classes lead within 1e-9 of each other.
    ParameterError
        A fill out of range, or a side that is not exact.
    BudgetError
        Even that takes too much work.
    """
    games = class_games(network, image, region, fill)
    logits = network.logits(image)
    predicted = int(logits.argmax())
    margins = games.margins(predicted)
    rows, columns = games.regions.grid
    if margins.values(np.ones(rows * columns, np.bool_)).min() <= TOLERANCE:
        raise ImageError("two classes lead in this image with the same logit, so neither has grounds")
    contrasts = Contrasts(margins, replace(SMALLEST))
    values = additive_values(games)[predicted].ravel()
    kept, margin, status = _sufficient(contrasts, np.argsort(values, kind="stable").tolist())
    contrasts.budget = replace(OTHER)
    fewest = contrasts.fewest()

    def places(regions: int) -> tuple[Place, ...]:
        return tuple(divmod(number, columns) for number in members(regions))

    contrast = None
    if fewest is not None:
        hidden = games.regions.masks.reshape(rows * columns, *image.shape)[list(members(fewest))].any(0)
        changed = network.logits(np.where(hidden, fill, image))
        new = np.where(np.arange(len(changed)) == predicted, -np.inf, changed)
        contrast = Contrast(places(fewest), int(new.argmax()), changed)
    return Grounds(
        network=network,
        image=image,
        logits=logits,
        hiding=Hiding(games.regions, fill),
        players=places(contrasts.players),
        sufficient=SufficientSet(places(kept), margin, 2 ** (contrasts.players & ~kept).bit_count(), status),
        contrast=contrast,
        empty=empty_image(network, fill),
    )


def _sufficient(contrasts: Contrasts, order: Sequence[int]) -> tuple[int, float, Status]:
    """A sufficient set, its margin, and what is proven about it; regions are given up in this order where need be."""
    kept = 0
    try:
        while (margin := contrasts.margin(kept)) is None:
            kept = smallest_hitting_set(contrasts.found, kept.bit_count(), contrasts.budget)
        return kept, margin, Status.SMALLEST
    except BudgetError:
        fewest, contrasts.budget = kept.bit_count(), replace(OTHER)
    while True:
        kept = irreducible_hitting_set(contrasts.found, order)
        if (margin := contrasts.margin(kept)) is not None:
            return kept, margin, Status.SMALLEST if kept.bit_count() == fewest else Status.IRREDUCIBLE
