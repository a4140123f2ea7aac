"""The grounds of a prediction: a proven sufficient set of regions and a smallest contrast (docs/mathematics.md, 4).

Both are exact statements about all hidings, 2ⁿ for n regions. Nothing is sampled.

- A set of regions is *sufficient* if the class is kept under every hiding of the other regions. It is *irreducible* if
  no region can be removed from it, and *smallest* if no sufficient set has fewer regions. (In the literature: abductive
  explanation, PI-explanation.)
- A *contrast* is a set of regions whose hiding changes the class (contrastive explanation).

A set is sufficient if and only if it shares a region with every contrast. The search uses implicit hitting sets: it
computes a smallest set that hits all contrasts found so far. If that set is sufficient, it is the answer. Otherwise
there is a further contrast, and the search goes on with it.

Source: Ignatiev, Narodytska and Marques-Silva, "Abduction-based explanations for machine learning models", AAAI 2019;
Shih, Choi and Darwiche, "A symbolic approach to explaining Bayesian network classifiers", IJCAI 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from konkyo.models import ties
from konkyo.models.classes import shortened
from konkyo.models.errors import BudgetError, ParameterError
from konkyo.models.grounds.budget import SearchBudget
from konkyo.models.grounds.contrasts import Contrasts
from konkyo.models.grounds.elimination import members
from konkyo.models.grounds.hitting_set import irreducible_hitting_set, smallest_hitting_set
from konkyo.models.hiding.cost import USUAL, Budget, usual_side
from konkyo.models.hiding.games import LocalGames, class_games
from konkyo.models.hiding.regions import Empty, Fill, Hiding, OfRegions, empty_image, filled
from konkyo.models.hiding.shapley import additive_values
from konkyo.models.network import Array, Network, softmax
from konkyo.models.result import Result

# The budget of the search for a smallest sufficient set, and that of each other search.
SMALLEST = SearchBudget(entries=2**24, hidings=2**15, nodes=2**12)
OTHER = SearchBudget(entries=2**26, hidings=2**17, nodes=0)

Position = tuple[int, int]


class Status(StrEnum):
    """What is proven about a sufficient set."""

    SMALLEST = "smallest"
    IRREDUCIBLE = "irreducible"


@dataclass(frozen=True)
class SufficientSet:
    """Regions with which the class is kept under every hiding of the others.

    Attributes
    ----------
    regions
        (row, column) on the grid, row by row. Empty if the class is kept under every hiding.
    margin
        The least lead of the class over the best other class, over all hidings of the others; in units of the logit.
    combinations
        The number of these hidings: 2 to the power of the number of players outside the set.
    status
        Whether no sufficient set has fewer regions, or only no region can be removed.
    """

    regions: tuple[Position, ...]
    margin: float
    combinations: int
    status: Status


@dataclass(frozen=True)
class Contrast:
    """A smallest set of regions whose hiding changes the class. Of several, the one with the least margin.

    Attributes
    ----------
    regions
        (row, column) on the grid, row by row.
    predicted
        The predicted class with these regions hidden.
    logits
        (C,): logits with these regions hidden, from a forward pass.
    """

    regions: tuple[Position, ...]
    predicted: int
    logits: Array


@dataclass(frozen=True, kw_only=True, repr=False)
class Grounds(OfRegions, Result):
    """The grounds of a prediction.

    A class is kept where it is predicted; a tie within rounding goes to the lower class.

    Attributes
    ----------
    hiding
        The regions and the fill value.
    players
        (row, column) of the regions that hiding changes, row by row.
    sufficient
        A smallest or irreducible sufficient set.
    contrast
        A smallest contrast; None if no hiding changes the class.
    empty
        The prediction with everything hidden.
    tried
        What is predicted with regions hidden that were asked for; None without any.
    games
        The logits under every hiding, as a sum of few small games; None unless requested.
    """

    hiding: Hiding
    players: tuple[Position, ...]
    sufficient: SufficientSet
    contrast: Contrast | None
    empty: Empty
    tried: Contrast | None = None
    games: LocalGames | None = None

    def _line(self) -> str:
        proven, of = len(self.sufficient.regions), len(self.players)
        said = f": {proven} of {of} regions prove it" + (", no fewer do" if self._is_smallest else "")
        if self.contrast is None:
            return f"{said}; no hiding changes it"
        fewest, other = len(self.contrast.regions), self.name(self.contrast.predicted)
        return f"{said}; hiding {fewest} makes it {shortened(other, 40)}"

    @property
    def _is_smallest(self) -> bool:
        return self.sufficient.status is Status.SMALLEST

    def _fields(self) -> dict[str, Any]:
        proof, contrast = self.sufficient, self.contrast
        return {
            **self.hiding.to_dict(),
            "players": [list(position) for position in self.players],
            "sufficient": {
                **self._set(proof.regions),
                "margin": proof.margin,
                "combinations": proof.combinations,
                "status": proof.status.value,
            },
            "contrast": contrast
            and {
                **self._set(contrast.regions),
                "predicted": contrast.predicted,
                "label": self.name(contrast.predicted),
            },
            **({} if self.tried is None else {"hidden": self._tried(self.tried)}),
            "empty": self.empty.to_dict(self.network, float(self.empty.logits[self.predicted])),
        }

    def _tried(self, tried: Contrast) -> dict[str, Any]:
        return {
            **self._set(tried.regions),
            "predicted": tried.predicted,
            "label": self.name(tried.predicted),
            "probability": float(softmax(tried.logits)[tried.predicted]),
        }

    def _set(self, positions: Sequence[Position]) -> dict[str, Any]:
        boxes = [list(self.hiding.regions.box(row, column)) for row, column in positions]
        return {"regions": [list(position) for position in positions], "boxes": boxes}


def grounds(
    network: Network,
    image: Array,
    region: int | None = None,
    fill: Fill = 0.0,
    *,
    hide: Sequence[Position] = (),
    tables: bool = False,
    budget: Budget | None = USUAL,
) -> Grounds:
    """Find and prove a sufficient set of regions and a smallest contrast.

    The sufficient set is a smallest one if the budget allows. Otherwise it is the irreducible set that remains when
    regions are removed in the order of their Shapley values, the least first. Work is counted and not timed, so an
    image has one answer.

    Parameters
    ----------
    network
        In float64, whose rounding errors are far below the 1e-9 that a class leads by in a tie.
    image
        Of the network's shape, (28, 28) for the paper's, in [0, 1].
    region, fill
        As in ``shapley_values``; by default larger regions for colour, see ``usual_side``.
    hide
        (row, column) of regions that are hidden to see what is predicted then; none for no such trial.
    tables
        Whether the result has the logits under every hiding.
    budget
        What the tables may take; None for no limit. The searches have limits of their own.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    ParameterError
        A network in float32, a fill out of range, or regions that take too much work.
    BudgetError
        An irreducible set or the contrast takes too much work.
    """
    if network.dtype != np.float64:
        raise ParameterError("network", "must be in float64, as a checkpoint's `precise` is")
    side = usual_side(network.architecture, proofs=True) if region is None else region
    games = class_games(network, image, side, fill, budget)
    logits = network.logits(image)
    predicted = int(ties.predicted(logits))
    margins = games.margins(predicted)
    columns = games.regions.grid[1]
    contrasts = Contrasts(margins, replace(SMALLEST))
    values = additive_values(games)[predicted].ravel()
    kept, margin, status = _sufficient(contrasts, ties.order(-values).tolist())
    contrasts.budget = replace(OTHER)
    fewest = contrasts.fewest()

    def positions(regions: int) -> tuple[Position, ...]:
        return tuple(divmod(number, columns) for number in members(regions))

    def hidden(places: tuple[Position, ...]) -> Contrast:
        pixels = games.regions.masks[tuple(zip(*places, strict=True))].any(0)
        changed = network.logits(np.where(pixels, filled(image, fill), image))
        return Contrast(places, int(ties.predicted(changed)), changed)

    contrast = tried = None
    if fewest is not None:
        contrast = hidden(positions(fewest))
    if hide:
        tried = hidden(tuple(sorted(set(hide))))
    return Grounds(
        network=network,
        image=image,
        logits=logits,
        hiding=Hiding(games.regions, fill),
        players=positions(contrasts.players),
        sufficient=SufficientSet(positions(kept), margin, 2 ** (contrasts.players & ~kept).bit_count(), status),
        contrast=contrast,
        empty=empty_image(network, image, fill),
        tried=tried,
        games=games.gathered() if tables else None,
    )


def _sufficient(contrasts: Contrasts, order: Sequence[int]) -> tuple[int, float, Status]:
    """A sufficient set, its margin and its status. For an irreducible set, regions are removed in this order."""
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
