"""What the decoder may do with any bytes: read numbers from 0 to 1, or refuse in the service's own words."""

from random import Random

import numpy as np

from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.preparation.expected import MNIST, Expected, Fit
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError, UnsupportedImageError
from konkyo.service.imaging.decoding import decode_image

REFUSALS = (UnsupportedImageError, UnreadableImageError, UnsuitableImageError)
READ = "read"
COLOUR = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, (), 32, 3)


def outcome(data: bytes, fit: Fit, polarity: Polarity, expected: Expected = MNIST) -> str:
    """``read``, or the name of the refusal; anything else is raised."""
    try:
        image, report = decode_image(data, fit, polarity, expected)
    except REFUSALS as refusal:
        return type(refusal).__name__
    assert image.shape == ((3, 32, 32) if expected.colour else (28, 28))
    assert image.dtype == np.float64
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= 1
    assert report.format in ("PNG", "JPEG")
    assert report.fitted is (report.box is not None)
    return READ


def question(random: Random) -> tuple[Fit, Polarity]:
    """How to ask for an image."""
    return random.choice((Fit.EXACT, Fit.MNIST)), random.choice(tuple(Polarity))
