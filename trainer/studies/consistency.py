"""Do networks that were trained from different seeds have the same reasons?

All networks of a training explain the same images. Compared are two networks at a time: their maps, and the regions
that prove their predictions. Only images that all of them predict alike are taken, so that all explain the same class.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.budget import Budget
from konkyo.models.grounds.contrasts import Contrasts
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.games import LocalGames, class_games
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.document import table
from konkyo.trainer.errors import RunError
from konkyo.trainer.studies.statistics import Estimate, spearman
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, chunks, joined, sums_of_regions

# Images a part.
CHUNK = 25
# The budget to check a set that another network's proof found.
CHECK = Budget(entries=2**26, hidings=2**17, nodes=0)
FINE = 2


def maps_of(architecture: Architecture) -> dict[str, int]:
    """The maps that are compared, with the sides of their regions: those that the service takes, and finer ones."""
    side = usual_side(architecture)
    return {f"Shapley {side}×{side}": side, f"occlusion {side}×{side}": side, f"occlusion {FINE}×{FINE}": FINE}


@dataclass(frozen=True)
class ConsistencyStudy:
    """S networks on the N images that all of them predict alike; P pairs of networks.

    Attributes
    ----------
    images
        How many images were looked at, N and others.
    correlation
        For each of ``maps_of``, (N, P): the rank correlation of two networks' maps, over the regions that hold ink.
    ink
        For each of ``maps_of``, (N, S): the rank correlation of a network's map with the ink in each region.
    overlap
        (N, P): the Jaccard index of two proven sufficient sets; NaN where a set is empty or there is none.
    chance
        (N, P): its expectation for two random sets of the same sizes.
    holds
        (N, S, S): 1 where the sufficient set of the first network also suffices for the second, else 0; NaN where
        there is no set, or the check takes too much work.
    maps
        For each of ``maps_of``, (N, S, R, R).
    place
        (N,): the numbers of the images in the data set.
    """

    images: int
    correlation: Mapping[str, Array]
    ink: Mapping[str, Array]
    overlap: Array
    chance: Array
    holds: Array
    maps: Mapping[str, Array]
    place: NDArray[np.intp]

    def holds_for_others(self) -> Array:
        """(N,): the share of pairs of different networks in which the set of one suffices for the other."""
        others = ~np.eye(self.holds.shape[1], dtype=np.bool_)
        shares: Array = np.nanmean(self.holds[:, others], 1)
        return shares


def _parts(asked: Asked) -> dict[str, Compute]:
    networks = _networks(asked)
    weights = b"".join(array.tobytes() for network in networks for array in network.weights.values())
    these = sha256(weights).hexdigest()[:16]
    return {f"{these}-{start}": partial(_part, networks, some, start) for start, some in chunks(asked.digits, CHUNK)}


def _networks(asked: Asked) -> list[Network]:
    from konkyo.trainer.training.publish import networks_of_seeds

    return list(networks_of_seeds(asked.checkpoint, asked.runs).values())


def _gather(asked: Asked, done: Sequence[Arrays]) -> ConsistencyStudy:
    together, maps = joined(done), maps_of(asked.checkpoint.network.architecture)
    if len(together["place"]) < 2:
        raise RunError(
            f"the networks predict {len(together['place'])} of {len(asked.digits):,} images alike; take more --images"
        )
    return ConsistencyStudy(
        images=len(asked.digits),
        correlation={name: together[f"correlation {name}"] for name in maps},
        ink={name: together[f"ink {name}"] for name in maps},
        overlap=together["overlap"],
        chance=together["chance"],
        holds=together["holds"],
        maps={name: together[f"map {name}"] for name in maps},
        place=together["place"],
    )


def _summary(asked: Asked, found: ConsistencyStudy) -> dict[str, Any]:
    """Means are over images, each with half of its 95 % interval."""
    return {
        "seeds": [run.seed for run in selection.runs] if (selection := asked.checkpoint.card.selection) else [],
        "images": found.images,
        "predicted_alike": len(found.place),
        "maps": {
            name: {
                "between_networks": Estimate.of(found.correlation[name].mean(1)).document(),
                "with_the_ink": Estimate.of(found.ink[name].mean(1)).document(),
            }
            for name in found.maps
        },
        "sufficient_sets": {
            "overlap": _mean(found.overlap),
            "overlap_by_chance": _mean(found.chance),
            "hold_for_another_network": Estimate.of(_known(found.holds_for_others())).document(),
        },
    }


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    """How much the maps and the proofs of all seeds agree."""
    sets, seeds = found["sufficient_sets"], len(found["seeds"])
    [shapley_map] = [one for name, one in found["maps"].items() if name.startswith("Shapley")]
    yield (
        f"{seeds} networks of different seeds. They predict {found['predicted_alike']:,} of "
        f"{found['images']:,} test images alike, and explain these. Two networks’ Shapley maps have a rank correlation "
        f"of {shapley_map['between_networks'][0]:.2f}; their proven sufficient sets have a Jaccard index of "
        f"{sets['overlap'][0]:.2f}, random sets of the same sizes {sets['overlap_by_chance'][0]:.2f}. The set that "
        f"proves the class of one network proves that of another in {sets['hold_for_another_network'][0]:.0%} of the "
        "pairs of networks, on the mean over the images. Another set may prove the class as well: a small overlap "
        "alone is not yet another reason."
    )
    yield ""
    yield (
        f"Each image has the mean over its {comb(seeds, 2)} pairs of networks. Intervals are over images: they say "
        f"what other images would give, for these {seeds} networks, and not what other seeds would."
    )
    yield ""
    rows = [(name, *(f"{mean:.3f} ± {half:.3f}" for mean, half in one.values())) for name, one in found["maps"].items()]
    yield from table(("rank correlation over regions with ink", "between two networks", "of a map with the ink"), rows)


def _mean(values: Array) -> list[float]:
    """Over images, of the means over pairs, where there are any."""
    known = values[~np.isnan(values).all(1)]
    return Estimate.of(np.nanmean(known, 1)).document()


def _known(values: Array) -> Array:
    return values[~np.isnan(values)]


def _part(networks: list[Network], digits: Digits, start: int) -> Arrays:
    images = digits.scaled(np.float64)
    predicted = np.array([ties.predicted(network.logits(images)) for network in networks])
    alike = np.flatnonzero((predicted == predicted[0]).all(0))
    found: Arrays = {"place": start + alike}
    targets = predicted[0, alike]
    count, pairs = len(networks), comb(len(networks), 2)
    for name, region in maps_of(networks[0].architecture).items():
        maps = np.array([_maps(network, images[alike], targets, name, region) for network in networks])
        grid = Regions(region, side=images.shape[-1]).grid
        maps = maps.reshape(count, len(alike), *grid).swapaxes(0, 1)  # images first
        found[f"map {name}"] = maps
        ink = np.array([_ink(image, region) for image in images[alike]]).reshape(len(alike), *maps.shape[2:])
        shown = [where > 0 for where in ink]
        listed = [[one[which] for one in some] for some, which in zip(maps, shown, strict=True)]
        between = [[spearman(*two) for two in combinations(some, 2)] for some in listed]
        with_ink = [
            [spearman(one, where[which]) for one in some] for some, where, which in zip(listed, ink, shown, strict=True)
        ]
        # No image of a part may be predicted alike: the arrays are then empty, but of the right shape.
        found[f"correlation {name}"] = np.array(between).reshape(len(alike), pairs)
        found[f"ink {name}"] = np.array(with_ink).reshape(len(alike), count)
    proofs = [_proofs(networks, image) for image in images[alike]]
    for place, (name, shape) in enumerate({"overlap": (pairs,), "chance": (pairs,), "holds": (count, count)}.items()):
        found[name] = np.array([proof[place] for proof in proofs], np.float64).reshape(len(alike), *shape)
    return found


def _maps(network: Network, images: Array, targets: NDArray[np.intp], name: str, region: int) -> Array:
    """(N, R, R): what each region adds to the logit of the target."""
    if name.startswith("Shapley"):
        pairs = zip(images, targets.tolist(), strict=True)
        return np.array([shapley_values(network, image, region).of(target).values for image, target in pairs])
    drops: Array = occlude(network, images, targets, Hiding(Regions(region, side=network.architecture.side))).drop
    return drops


def _ink(image: Array, region: int) -> Array:
    return sums_of_regions(image.reshape(-1, *image.shape[-2:]).sum(0), region)


def _proofs(networks: list[Network], image: Array) -> tuple[list[float], list[float], list[list[float]]]:
    """Overlap and chance of each pair of networks, and whose set suffices for whom."""
    region = usual_side(networks[0].architecture)
    players = int((_ink(image, region) > 0).sum())
    sets = [_sufficient(network, image, region) for network in networks]
    overlap, chance = [], []
    for one, other in combinations(sets, 2):
        overlap.append(len(one & other) / len(one | other) if one and other else np.nan)
        chance.append(chance_overlap(players, len(one), len(other)) if one and other else np.nan)
    margins = [class_games(network, image, region).margins(_predicted(network, image)) for network in networks]
    return overlap, chance, [[_suffices(one, margin) for margin in margins] for one in sets]


def chance_overlap(players: int, one: int, other: int) -> float:
    """The mean Jaccard index of two sets of these sizes, drawn at random from the players."""
    ways = {both: comb(one, both) * comb(players - one, other - both) for both in range(min(one, other) + 1)}
    return sum(count * both / (one + other - both) for both, count in ways.items()) / comb(players, other)


def _predicted(network: Network, image: Array) -> int:
    return int(ties.predicted(network.logits(image)))


def _sufficient(network: Network, image: Array, region: int) -> frozenset[int] | None:
    """The numbers of the regions that prove the prediction; None without a proof."""
    try:
        found = grounds(network, image, region)
    except BudgetError:
        return None
    columns = found.hiding.regions.grid[1]
    return frozenset(row * columns + column for row, column in found.sufficient.regions)


def _suffices(regions: frozenset[int] | None, margins: LocalGames) -> float:
    """1 if a network keeps its class under every hiding of the other regions, 0 if not, NaN if that is not known."""
    if regions is None:
        return np.nan
    try:
        return float(Contrasts(margins, replace(CHECK)).margin(sum(1 << number for number in regions)) is not None)
    except BudgetError:
        return np.nan


STUDY = Study(
    name="consistency",
    heading="Whether other seeds have the same reasons",
    about="Compare the explanations of the networks of all seeds: do they have the same reasons? It needs their runs.",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    caption="Maps and proofs of all seeds",
    images=1000,
    of_ranks=True,
)
