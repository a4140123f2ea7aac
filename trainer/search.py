"""The smallest network that is accurate enough (section 2.1): filter counts of both wirings, several seeds each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.files.card import RunCard
from konkyo.trainer.recipe import Recipe

FORMAT_VERSION = 2
LENET = two_stages(Wiring.SUMMED, 6, 16)


@dataclass(frozen=True)
class Candidate:
    """A network of the search, with what each seed gave; accuracies are shares, 0…1."""

    architecture: Architecture
    runs: Sequence[RunCard]

    @property
    def validation(self) -> tuple[float, float]:
        """(mean, standard deviation) over the seeds; the choice is made by the mean."""
        return _spread(run.validation for run in self.runs)

    @property
    def test(self) -> tuple[float, float]:
        """The same on the test images, which take no part in the choice."""
        return _spread(run.test for run in self.runs)


def grid(first: Sequence[int], last: Sequence[int]) -> list[Architecture]:
    """Every combination of filter counts of two stages in both wirings, and LeNet's, the smallest first.

    With a single map both wirings are the same network; it is tried once, as ``summed``.
    """
    wanted = [two_stages(wiring, a, b) for wiring in Wiring for a in first for b in last]
    kept = [one for one in wanted if one.pairs[0] > 1 or not one.stages[-1].paired]
    return sorted(dict.fromkeys([*kept, LENET]), key=lambda one: one.parameters)


def smallest(candidates: Iterable[Candidate], minimum_accuracy: float) -> Iterator[Candidate]:
    """For each wiring, the network with the fewest parameters whose seeds validate well enough on average.

    No wiring's entry is there where none does.
    """
    passing = [one for one in candidates if one.validation[0] >= minimum_accuracy]
    for wiring in Wiring:
        ours = [one for one in passing if one.architecture.stages[-1].wiring is wiring]
        if ours:
            yield min(ours, key=lambda one: one.architecture.parameters)


def document(candidates: Sequence[Candidate], recipe: Recipe, minimum_accuracy: float) -> dict[str, Any]:
    """What stands in ``search.json``."""
    return {
        "format_version": FORMAT_VERSION,
        "recipe": asdict(recipe),
        "minimum_accuracy": minimum_accuracy,
        "lenet_parameters": LENET.parameters,
        "smallest": [
            {
                **_shape(one.architecture),
                "share_of_lenet": one.architecture.parameters / LENET.parameters,
            }
            for one in smallest(candidates, minimum_accuracy)
        ],
        "networks": [
            {
                **_shape(one.architecture),
                "validation": {"mean": one.validation[0], "deviation": one.validation[1]},
                "test": {"mean": one.test[0], "deviation": one.test[1]},
                "runs": [run.model_dump() for run in one.runs],
            }
            for one in candidates
        ],
    }


def _shape(architecture: Architecture) -> dict[str, Any]:
    return {
        "stages": [asdict(stage) for stage in architecture.stages],
        "parameters": architecture.parameters,
    }


def stages_of(document: dict[str, Any]) -> tuple[Stage, ...]:
    """The stages of a network in ``search.json``."""
    return tuple(Stage(**{**stage, "wiring": Wiring(stage["wiring"])}) for stage in document["stages"])


def _spread(values: Iterable[float]) -> tuple[float, float]:
    listed = list(values)
    return mean(listed), stdev(listed) if len(listed) > 1 else 0.0
