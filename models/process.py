"""The whole process: every intermediate result from the image to the prediction (Fig. 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.checks import check_single
from models.contributions import Ledger, contributions
from models.network import Array, Network, Trace
from models.result import Result
from models.usage import Typicality, Usage


@dataclass(frozen=True, kw_only=True)
class Process(Result):
    """Everything that the network computes for one image.

    Attributes
    ----------
    trace
        The maps of every layer.
    ledger
        The contributions of all filter pairs to all classes.
    typicality
        For each class, how usual this use of the filters is; None where the network was not studied.
    """

    trace: Trace
    ledger: Ledger
    typicality: Sequence[Typicality] | None


def explain_process(network: Network, image: Array, usage: Usage | None = None) -> Process:
    """Keep every intermediate result of one forward pass.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1].
    usage
        The study of this network, if there is one.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    """
    check_single(image)
    trace = network.trace(image)
    ledger = contributions(network, image)
    typicality = usage.typicality(ledger.contributions) if usage else None
    return Process(network=network, image=image, logits=trace.logits, trace=trace, ledger=ledger, typicality=typicality)
