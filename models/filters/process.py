"""The whole process: every layer and every contribution for one image, of wide layers what matters most."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.filters.contributions import (
    Account,
    Ledger,
    greatest,
    pair_words,
)
from konkyo.models.filters.usage import Typicality, Usage
from konkyo.models.network import Array, IntArray, Network, Trace
from konkyo.models.result import ClassResult

# Maps of a layer, and pairs, whose numbers an answer has if nothing else is asked for.
USUAL_TOP = 32
# Numbers of such an answer, beside the contributions.
MOST_NUMBERS = 250_000


@dataclass(frozen=True, kw_only=True, repr=False)
class Process(ClassResult):
    """All intermediate results for one image. Of wide layers those maps are *shown* that matter most to the target.

    Attributes
    ----------
    trace
        The maps of every layer.
    ledger
        The contributions of all filter pairs to all classes.
    account
        The account of the target, or the difference of two accounts.
    shown
        For each stage the numbers of the shown maps, in ascending order. Of the last stage and the one before it, those
        whose pairs contribute most to the target, by the sum of the absolute values; of others, those with the largest
        absolute value.
    pairs
        (P, 2): the shown pairs (map, filter), which contribute most in absolute value, in ascending order.
    typicality
        For each class, how typical this use of the filters is; None if that was not studied.
    unlike
        Whether what the network finds is unlike what it found in the training images; None if that was not studied.
    """

    trace: Trace
    ledger: Ledger
    account: Account
    shown: tuple[IntArray, ...]
    pairs: IntArray
    typicality: Sequence[Typicality] | None
    unlike: bool | None

    @classmethod
    def of(
        cls,
        network: Network,
        image: Array,
        trace: Trace,
        ledger: Ledger,
        target: int,
        versus: int | None,
        usage: Usage | None,
        top: int | None,
    ) -> "Process":
        """The process of an image with this trace and this ledger; the others as in ``ProcessQuestion``."""
        architecture, account = network.architecture, ledger.account(target, versus)
        most = top or usual_top(architecture)
        return cls(
            network=network,
            image=image,
            logits=trace.logits,
            target=target,
            versus=versus,
            trace=trace,
            ledger=ledger,
            account=account,
            shown=_shown(architecture, trace, account, most),
            pairs=np.stack(np.divmod(greatest(account.contributions, most), architecture.pairs[1]), axis=1),
            typicality=usage.typicality(ledger.contributions) if usage else None,
            unlike=usage.likeness.is_unlike(trace.layers[-1]) if usage and usage.likeness else None,
        )

    @property
    def passed(self) -> Array:
        """(P, s, s): what each shown pair passes to the head, ``g_j(s) · u_ji(s*)``."""
        passed: Array = self.ledger.passed[self.pairs[:, 0], self.pairs[:, 1]]
        return passed

    @property
    def maps(self) -> Array:
        """(P, s, s): the map of each shown pair, for the target."""
        maps: Array = self.account.maps[self.pairs[:, 0], self.pairs[:, 1]]
        return maps

    @property
    def head_maps(self) -> IntArray:
        """The numbers of the maps of the last stage that the shown pairs belong to, in ascending order."""
        return np.unique(self._map_of_pair)

    @property
    def head(self) -> Array:
        """(C, K, s, s): the weights of the head for each of ``head_maps``; with hidden layers, with gates fixed."""
        weights, (_, inputs, _) = self.ledger.weights, self.network.architecture.groups(-1 + len(self.shown))
        # Pairs of one map have the same weights.
        by_map = weights if weights.shape[1] == 1 else weights[:, ::inputs]
        head: Array = by_map.reshape(len(weights), -1, *weights.shape[-2:])[:, self.head_maps]
        return head

    @property
    def contributions(self) -> Array:
        """(C, A, B): what each pair adds to the logit of each class."""
        return self.ledger.contributions

    @property
    def filter_bias(self) -> Array:
        """(C, B): what the biases that several pairs share add to the logit of each class."""
        return self.ledger.filter_bias

    @property
    def class_bias(self) -> Array:
        """(C,): what its bias adds to each class."""
        return self.ledger.class_bias

    def _line(self) -> str:
        return pair_words(self.asked, self.account)

    def _fields(self) -> dict[str, Any]:
        ledger = self.ledger
        return {
            "image": self.image.tolist(),
            "logits": self.logits.tolist(),
            "stages": [self._stage(number) for number in range(len(self.shown))],
            "contributions": ledger.contributions.tolist(),
            "pairs": [{"map": one, "filter": other} for one, other in self.pairs.tolist()],
            "passed": self.passed.tolist(),
            "head": self.head.tolist(),
            "head_maps": self.head_maps.tolist(),
            "maps": self.maps.tolist(),
            "filter_bias": ledger.filter_bias.tolist(),
            "class_bias": ledger.class_bias.tolist(),
            "typicality": None if self.typicality is None else [asdict(one) for one in self.typicality],
        }

    def _stage(self, number: int) -> dict[str, Any]:
        network, shown = self.network, self.shown[number]
        # With paired wiring the maps of one input have all filters, one after another.
        filters = shown % network.architecture.stages[number].filters
        return {
            "count": network.architecture.layer_maps[number + 1],
            "shown": shown.tolist(),
            "filters": network.kernels(number)[filters].tolist(),
            "bias": network.bias(number)[filters].tolist(),
            "convolution": self.trace.convolutions[number][shown].tolist(),
            "maps": self.trace.layers[number][shown].tolist(),
        }

    @property
    def _map_of_pair(self) -> IntArray:
        architecture = self.network.architecture
        _, inputs, filters = architecture.groups(len(architecture.stages) - 1)
        number: IntArray = self.pairs[:, 0] // inputs * filters + self.pairs[:, 1]
        return number


def usual_top(architecture: Architecture) -> int:
    """How many maps of a layer and pairs are shown if it is not said."""
    top = USUAL_TOP
    while top > 1 and process_numbers(architecture, top) > MOST_NUMBERS:
        top //= 2
    return top


def process_numbers(architecture: Architecture, top: int) -> int:
    """Numbers of an answer that shows ``top`` maps of each layer and ``top`` pairs, beside the contributions."""
    stages = 0
    for number, stage in enumerate(architecture.stages):
        (_, inputs, _), side = architecture.groups(number), architecture.below(number)[1]
        cells = sum(side**2 for side in stage.sides(side))
        stages += min(top, architecture.layer_maps[number + 1]) * (inputs * stage.kernel**2 + cells)
    pairs = min(top, prod(architecture.pairs))
    return stages + pairs * architecture.cells * (architecture.classes + 2)


def worth_of_maps(architecture: Architecture, trace: Trace, account: Account) -> list[Array]:
    """For each stage (maps,): how much each map matters, as ``Process.shown`` says."""
    worth = [np.abs(layer).max((-2, -1)) for layer in trace.layers]
    added = np.abs(account.contributions)
    groups, inputs, filters = architecture.groups(len(worth) - 1)
    worth[-1] = added.reshape(groups, inputs, filters).sum(1).ravel()
    for source in architecture.sources(len(worth) - 1):
        if source:
            worth[source - 1] = added.sum(1)
    return worth


def _shown(architecture: Architecture, trace: Trace, account: Account, most: int) -> tuple[IntArray, ...]:
    return tuple(greatest(values, most) for values in worth_of_maps(architecture, trace, account))
