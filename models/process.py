"""All intermediate results from the image to the prediction (Fig. 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from konkyo.models.checks import check_single
from konkyo.models.contributions import Ledger, traced_contributions
from konkyo.models.network import Array, Network, Trace
from konkyo.models.result import Result
from konkyo.models.usage import Typicality, Usage


@dataclass(frozen=True, kw_only=True)
class Process(Result):
    """All intermediate results for one image.

    Attributes
    ----------
    trace
        The maps of every layer.
    ledger
        The contributions of all filter pairs to all classes.
    typicality
        For each class, how typical this use of the filters is; None if there is no study of the network.
    unlike
        Whether what the network finds is unlike what it found in the training images; None if that was not studied.
    """

    trace: Trace
    ledger: Ledger
    typicality: Sequence[Typicality] | None
    unlike: bool | None


def explain_process(network: Network, image: Array, usage: Usage | None = None) -> Process:
    """Compute all intermediate results and all contributions for one image.

    Parameters
    ----------
    network, image, usage
        As in ``explain_filters``.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    """
    check_single(image, network)
    trace, ledger = traced_contributions(network, image)
    typicality = usage.typicality(ledger.contributions) if usage else None
    unlike = usage.likeness.is_unlike(trace.layers[-1]) if usage and usage.likeness else None
    return Process(
        network=network,
        image=image,
        logits=trace.logits,
        trace=trace,
        ledger=ledger,
        typicality=typicality,
        unlike=unlike,
    )
