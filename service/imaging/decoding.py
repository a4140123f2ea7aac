"""From the bytes of an image file to the 28×28 array that the network takes, with a report of what was done."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.architecture import IMAGE_SIDE
from models.network import Array
from service.errors import UnreadablePictureError, UnsuitablePictureError, UnsupportedPictureError
from service.imaging import jpeg, png
from service.imaging.fitting import fit_as_mnist
from service.imaging.input_warnings import InputWarning, input_warnings

# The formats that are read, and how their files start.
SIGNATURES = {"PNG": png.SIGNATURE, "JPEG": jpeg.SIGNATURE}
MAX_SIDE = 4096
MAX_PIXELS = 4_000_000
_LIMITS = f"at most {MAX_SIDE} pixels a side and {MAX_PIXELS:,} in all are read"

# What Pillow raises on damaged files; its own UnidentifiedImageError is an OSError.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    AssertionError,
    OverflowError,
    struct.error,
    zlib.error,
)

# What brings a picture upright, by its EXIF orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Set once: warnings.catch_warnings restores the wrong filters where threads overlap, and a bomb could slip through.
# Of damaged metadata Pillow warns in numbers that the client chooses, which would fill the log.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

Samples = NDArray[np.uint8] | NDArray[np.uint16]
# The largest sample.
_WHITE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


class Fit(StrEnum):
    """How a picture becomes 28×28."""

    EXACT = "exact"
    MNIST = "mnist"


class Polarity(StrEnum):
    """Which is the ink: the light or the dark."""

    AUTO = "auto"
    LIGHT_ON_DARK = "light-on-dark"
    DARK_ON_LIGHT = "dark-on-light"


@dataclass(frozen=True)
class PreprocessingReport:
    """What came and what was done with it.

    Attributes
    ----------
    format, mode
        Of the file, in Pillow's words: ``PNG`` or ``JPEG``; ``L``, ``RGB``, ``I;16``, …
    width, height
        In pixels, upright.
    inverted
        Whether dark ink was made light.
    fitted
        Whether the picture was cropped, scaled and centred.
    box
        (left, top, right, bottom) of the ink that was cut out, in pixels of the upright picture; None if not fitted.
    warnings
        Reasons to doubt that this is one digit.
    """

    format: str
    width: int
    height: int
    mode: str
    inverted: bool
    fitted: bool
    box: tuple[int, int, int, int] | None
    warnings: tuple[InputWarning, ...]


def decode_image(data: bytes, fit: Fit, polarity: Polarity) -> tuple[Array, PreprocessingReport]:
    """Decode an image file and bring it into the network's form.

    Returns
    -------
    image
        (28, 28) in [0, 1], light ink on dark, in float64. With ``Fit.EXACT`` and without transparency, exactly the
        samples divided by the largest possible one.
    report
        What was done.

    Raises
    ------
    UnsupportedPictureError
        Neither PNG nor JPEG, whatever it claims to be.
    UnreadablePictureError
        Empty, truncated or damaged.
    UnsuitablePictureError
        Animated, too large, or not 28×28 where ``fit`` is ``exact``.
    """
    picture, file_format, mode = _decode(data, fit)
    width, height = picture.size
    try:
        luminance, opacity = _layers(picture)
    except _DECODER_ERRORS as error:
        # No palette, or a text chunk that has taken the place of the transparency in Pillow's info.
        raise UnreadablePictureError("the picture is damaged: its palette or transparency makes no sense") from error
    # Nothing of a large picture is kept longer than it must, and what can be changed in place is.
    del picture
    grey = _grey(luminance, opacity, polarity)
    inverted = polarity is Polarity.DARK_ON_LIGHT or (polarity is Polarity.AUTO and _is_dark_on_light(grey))
    if inverted and opacity is None:
        # Inverted as integers: 1 − 51/255 is not always the float that 204/255 is.
        grey = _unit(luminance.dtype.type(_WHITE[luminance.dtype]) - luminance)
    elif inverted:
        np.subtract(1, grey, out=grey)
    del luminance, opacity
    box = None
    if fit is Fit.MNIST:
        fitted, box = fit_as_mnist(grey.astype(np.float32, copy=False))
        grey = fitted.astype(np.float64)
    report = PreprocessingReport(
        format=file_format,
        width=width,
        height=height,
        mode=mode,
        inverted=inverted,
        fitted=box is not None,
        box=box,
        warnings=input_warnings(grey),
    )
    return grey, report


def _decode(data: bytes, fit: Fit) -> tuple[Image.Image, str, str]:
    if not data:
        raise UnreadablePictureError("the picture is empty: 0 bytes arrived")
    if not data.startswith(tuple(SIGNATURES.values())):
        raise UnsupportedPictureError("the file is neither a PNG nor a JPEG picture")
    file = png.read(data) if data.startswith(png.SIGNATURE) else jpeg.read(data)
    try:
        picture = Image.open(BytesIO(file.data), formats=tuple(SIGNATURES))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnsuitablePictureError(f"the picture is far too large; {_LIMITS}") from error
    except _DECODER_ERRORS as error:
        raise UnreadablePictureError("the picture is damaged: its header cannot be read") from error
    file_format, mode = str(picture.format), picture.mode
    _check_size(picture, fit)
    file.check()
    try:
        picture.load()
        if isinstance(file, png.Png):
            file.finish(picture)
        turn = _UPRIGHT.get(file.orientation)
        upright = picture if turn is None else picture.transpose(turn)
    except _DECODER_ERRORS as error:
        raise UnreadablePictureError("the picture is damaged or cut short: its pixels cannot be decoded") from error
    return upright, file_format, mode


def _check_size(picture: Image.Image, fit: Fit) -> None:
    """Refuse what would cost too much or is not what was asked for, before a pixel is decoded."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UnsuitablePictureError(f"the picture is {width}×{height}; {_LIMITS}")
    if fit is Fit.EXACT and picture.size != (IMAGE_SIDE, IMAGE_SIDE):
        raise UnsuitablePictureError(
            f"the picture is {width}×{height}, and must be {IMAGE_SIDE}×{IMAGE_SIDE}; "
            "with ?fit=mnist it is cropped, scaled and centred for you"
        )


def _layers(picture: Image.Image) -> tuple[Samples, Samples | None]:
    """(height, width) samples of the luminance (ITU-R 601), and of the opacity where there is one."""
    if picture.mode.startswith("I"):
        # 16 bits: Pillow's own conversion to 8 bits would clip at 255.
        samples = np.asarray(picture, np.uint16)
        key = picture.info.get("transparency")
        return samples, np.uint8(255) * (samples != key) if isinstance(key, int) else None
    if picture.has_transparency_data:
        layers = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        return np.asarray(layers.convert("L")), np.asarray(layers.getchannel("A"))
    grey = picture if picture.mode == "L" else picture.convert("L")
    return np.frombuffer(grey.tobytes(), np.uint8).reshape(grey.height, grey.width), None


def _grey(luminance: Samples, opacity: Samples | None, polarity: Polarity) -> Array:
    """(height, width) in [0, 1], transparent parts filled with the background."""
    grey = _unit(luminance)
    if opacity is None:
        return grey
    alpha = _unit(opacity)
    grey *= alpha
    # The paper under transparent ink is not in the file: it is taken to be what the ink stands out from.
    if polarity is Polarity.AUTO:
        weight = alpha.sum()
        dark_ink = bool(weight) and grey.sum() / weight < 0.5
    else:
        dark_ink = polarity is Polarity.DARK_ON_LIGHT
    if dark_ink:
        grey += np.subtract(1, alpha, out=alpha)
    return grey


def _unit(samples: Samples) -> Array:
    """In [0, 1]; in float64 where the network takes the samples as they are, else in float32, which takes less."""
    unit: Array = samples.astype(np.float64 if samples.shape == (IMAGE_SIDE, IMAGE_SIDE) else np.float32)
    unit /= unit.dtype.type(_WHITE[samples.dtype])
    return unit


def _is_dark_on_light(grey: Array) -> bool:
    """Whether the border is brighter than the middle of the picture's range; of an even picture, than middle grey."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    darkest, brightest = float(grey.min()), float(grey.max())
    middle = (darkest + brightest) / 2 if brightest > darkest else 0.5
    # Half of an even number of pixels: the median is the mean of the two in the middle.
    border.sort()
    return float(border[len(border) // 2 - 1] + border[len(border) // 2]) / 2 > middle
