"""What becomes of a trained network's logits: centred, and divided by a temperature, so that probabilities mean what
they say.

Dividing all logits by one number changes no prediction. The number is the one with which held-out images have the
smallest negative log-likelihood (Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.files.card import BINS, TEMPERATURES, CalibrationCard, Document, ProbabilityCard
from konkyo.models.network import Array, Network, softmax
from konkyo.trainer.data import Labelled

# With fewer images than this, a temperature would follow the chance of a few mistakes.
FEWEST = 500
# Decimals of a temperature, and of what is measured, which no machine's rounding changes.
DECIMALS, MEASURED_DECIMALS = 3, 6
# From here on a prediction is as good as certain.
SURE = 0.9999
_LAST = "affine.weight", "affine.bias"


def centred(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights (C, …) less their mean over the classes, so that they sum to zero as nearly as float32 can say it."""
    exact = weights.astype(np.float64)
    rounded: NDArray[np.float32] = (exact - exact.mean(0)).astype(np.float32)
    # What is left by rounding goes to the smallest weight, which float32 says most finely.
    smallest = np.abs(rounded).argmin(0)[None]
    rest = rounded.sum(0, dtype=np.float64)
    finest = np.take_along_axis(rounded, smallest, 0) - rest
    np.put_along_axis(rounded, smallest, finest.astype(np.float32), 0)
    return rounded


def divided(network: Network, temperature: float, *, centre: bool) -> Network:
    """The network, float32, with its logits divided by a temperature, in the weights of the classes' affine layer.

    ``centre`` makes these sum to zero over the classes again, which rounding may have ended.
    """
    if temperature == 1:
        return network
    last = {name: (network.weights[name].astype(np.float64) / temperature).astype(np.float32) for name in _LAST}
    if centre:
        last = {name: centred(weights) for name, weights in last.items()}
    return Network(network.architecture, {**network.weights, **last}, network.classes, network.border)


def temperature(logits: Array, labels: NDArray[np.integer]) -> float:
    """The temperature T of least negative log-likelihood of softmax(logits / T), from 1 to 20, to three decimals.

    Parameters
    ----------
    logits
        (N, C), float64.
    labels
        (N,): what the images show.

    Notes
    -----
    In β = 1/T the negative log-likelihood is convex, with the derivative E_p[z] − z_label, averaged over the images:
    its zero is found by bisection.
    """
    right = np.take_along_axis(logits, labels[:, None], 1)[:, 0]

    def slope(beta: float) -> float:
        return float(((softmax(beta * logits) * logits).sum(1) - right).mean())

    low, high = (1 / bound for bound in TEMPERATURES[::-1])
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return round(1 / high, DECIMALS)


@dataclass(frozen=True)
class Reliability:
    """How far the probabilities of N images are from what happens.

    Attributes
    ----------
    nll
        Mean negative log-likelihood of what an image shows, in nats.
    confidence
        (N,): the probability of the predicted class.
    right
        (N,): whether that class is the image's.
    """

    nll: float
    confidence: Array
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, logits: Array, labels: NDArray[np.integer]) -> "Reliability":
        """From logits (N, C) and what the images show (N,)."""
        raised = logits - logits.max(1, keepdims=True)
        likelihoods = np.take_along_axis(raised, labels[:, None], 1)[:, 0] - np.log(np.exp(raised).sum(1))
        return cls(-float(likelihoods.mean()), softmax(logits).max(1), ties.predicted(logits) == labels)

    @property
    def bins(self) -> tuple[NDArray[np.intp], Array, Array]:
        """(15,), for each bin of the confidence: how many images, their mean confidence, the share predicted correctly.

        The bins are (0, 1/15], (1/15, 2/15] and so on. Of no images both numbers are 0.
        """
        place = np.clip(np.ceil(self.confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
        counts = np.bincount(place, minlength=BINS)
        sums = (np.bincount(place, of, BINS) for of in (self.confidence, self.right))
        confidence, right = (each / np.maximum(counts, 1) for each in sums)
        return counts, confidence, right

    @property
    def ece(self) -> float:
        """The expected calibration error: Σ |B|/N · |accuracy(B) − confidence(B)| (Guo et al. 2017, formula 3)."""
        counts, confidence, right = self.bins
        return float((counts * np.abs(right - confidence)).sum() / counts.sum())

    @property
    def sure(self) -> float:
        """Share of images with more than 99.99 %."""
        return float((self.confidence > SURE).mean())

    @property
    def card(self) -> ProbabilityCard:
        """What a card says of it."""
        return ProbabilityCard(nll=round(self.nll, MEASURED_DECIMALS), ece=round(self.ece, MEASURED_DECIMALS))


def calibrated(
    network: Network,
    held_out: Labelled | None,
    test: Labelled,
    *,
    fitted: str,
    made_by: str,
    centre: bool,
    made_of: str | None = None,
) -> tuple[Network, float, CalibrationCard]:
    """The network with the temperature that its held-out images want, the temperature, and what the card says of it.

    Parameters
    ----------
    network
        As trained, float32.
    held_out
        Images that were not trained on, without augmented copies; None leaves the logits as they are.
    test
        The test images. They only measure.
    fitted
        What ``held_out`` is, or why there is none.
    made_by, made_of
        As in the card.
    centre
        As in ``divided``.
    """
    chosen = 1.0
    if held_out is not None:
        logits = _logits(network, held_out)
        wrong = int((ties.predicted(logits) != held_out.labels).sum())
        if len(held_out) < FEWEST:
            fitted = f"not fitted: there are {len(held_out)} {fitted}, fewer than {FEWEST}"
        elif not wrong:
            fitted = f"not fitted: none of {len(held_out)} {fitted} is predicted wrongly"
        else:
            chosen = temperature(logits, held_out.labels)
            fitted = f"fitted on {len(held_out)} {fitted}, of which {wrong} are predicted wrongly"
    published = divided(network, chosen, centre=centre)
    before, after = (Reliability.of(_logits(one, test), test.labels).card for one in (network, published))
    return (
        published,
        chosen,
        CalibrationCard(fitted=fitted, bins=BINS, before=before, after=after, made_by=made_by, made_of=made_of),
    )


def told(card: Document) -> str:
    """The temperature and what it does, in a line; the card has a calibration."""
    calibration = card.calibration
    if calibration is None:
        raise ValueError("the card has no calibration")
    before, after = calibration.before, calibration.after
    return (
        f"temperature {card.temperature:g}, {calibration.fitted}; of the test images: negative log-likelihood "
        f"{before.nll:.4f} → {after.nll:.4f}, expected calibration error {before.ece:.2%} → {after.ece:.2%}"
    )


def _logits(network: Network, labelled: Labelled) -> Array:
    """(N, C), in float64."""
    return network.astype(np.float64).logits(labelled.scaled(np.float64))
