"""Decodes an image file into the array that the network takes, and reports what was done."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from konkyo.models.files.card import Polarity
from konkyo.models.network import Array
from konkyo.models.preparation.doubts import InputWarning, input_warnings
from konkyo.models.preparation.expected import MNIST, Expected, Fit
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.models.preparation.resizing import resized
from konkyo.service.errors import UnreadableImageError, UnsuitableImageError, UnsupportedImageError
from konkyo.service.imaging import jpeg, png

# The supported formats, with the first bytes of their files.
SIGNATURES = {"PNG": png.SIGNATURE, "JPEG": jpeg.SIGNATURE}
MAX_SIDE = 4096
MAX_PIXELS = 4_000_000
_CUT_SHORT = "the image is damaged or cut short: its pixels cannot be decoded"
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

# Set once, since warnings.catch_warnings is not safe with several threads: a decompression bomb could pass. Warnings
# about damaged metadata are ignored, since a client could fill the log with them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

Samples = NDArray[np.uint8] | NDArray[np.uint16]
# The largest sample of each type.
_WHITE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
# The luminance of red, green and blue (ITU-R 601).
_LUMINANCE = 0.299, 0.587, 0.114


@dataclass(frozen=True)
class PreprocessingReport:
    """The format of an image file, and what was done with the image.

    Attributes
    ----------
    format, mode
        Format and mode of the file, as Pillow names them: ``PNG`` or ``JPEG``; ``L``, ``RGB``, ``I;16``, …
    width, height
        Size in pixels, upright.
    inverted
        Whether the image was inverted because its ink was dark.
    fitted
        Whether the image was cropped, scaled and centred.
    box
        (left, top, right, bottom) of the cropped ink, in pixels of the upright image; null if not fitted.
    warnings
        Reasons to doubt the image.
    """

    format: str
    width: int
    height: int
    mode: str
    inverted: bool
    fitted: bool
    box: tuple[int, int, int, int] | None
    warnings: tuple[InputWarning, ...]


def decode_image(
    data: bytes, fit: Fit, polarity: Polarity, expected: Expected = MNIST
) -> tuple[Array, PreprocessingReport]:
    """Decode an image file and convert it to the input of the network.

    Parameters
    ----------
    data
        The file.
    fit, polarity
        What the client says; ``auto`` is as the network expects it.
    expected
        What the network expects.

    Returns
    -------
    image
        (side, side) in [0, 1], light ink on dark, or (3, side, side) for a network that takes colour; in float64. With
        ``Fit.EXACT`` and without transparency, exactly the samples divided by the largest possible sample.
    report
        The preprocessing report.

    Raises
    ------
    UnsupportedImageError
        Neither PNG nor JPEG, judged by the first bytes.
    UnreadableImageError
        Empty, truncated or damaged.
    UnsuitableImageError
        Animated, too large, or not of the network's size where ``fit`` is ``exact``.
    ParameterError
        A fit or polarity that is not for such images.
    """
    fit, polarity = expected.fit(fit), expected.ink(polarity)
    picture, file_format, mode = _decode(data, fit, expected.side)
    width, height = picture.size
    try:
        layers, opacity = _layers(picture, expected.colour)
    except _DECODER_ERRORS as error:
        # No palette, or a text chunk that Pillow has stored as the transparency.
        raise UnreadableImageError("the image is damaged: its palette or transparency makes no sense") from error
    # To save memory with large pictures, arrays are deleted early and changed in place.
    del picture
    inverted, box, others = False, None, 0
    if expected.colour:
        image = _in_colour(layers, opacity, fit, polarity, expected.side)
    else:
        image, inverted = _in_grey(layers.pop(), opacity, polarity, expected)
        del opacity
        if fit is Fit.RESIZE:
            image = resized(image, expected.side)
        if fit is Fit.MNIST:
            fitted = fit_as_mnist(image.astype(np.float32, copy=False))
            image, box, others = fitted.image.astype(np.float64), fitted.box, fitted.others
    report = PreprocessingReport(
        format=file_format,
        width=width,
        height=height,
        mode=mode,
        inverted=inverted,
        fitted=box is not None,
        box=box,
        warnings=input_warnings(image, others, expected),
    )
    return image, report


def _decode(data: bytes, fit: Fit, side: int) -> tuple[Image.Image, str, str]:
    if not data:
        raise UnreadableImageError("the image is empty: 0 bytes arrived")
    if not data.startswith(tuple(SIGNATURES.values())):
        raise UnsupportedImageError("the file is neither a PNG nor a JPEG image")
    file = png.read(data) if data.startswith(png.SIGNATURE) else jpeg.read(data)
    if isinstance(file, png.Png):
        _check_size(file.header[:2], fit, side)
    if isinstance(file, png.Png) and file.is_plain:
        file.check()
        try:
            return file.plain(), "PNG", "L"
        except _DECODER_ERRORS as error:
            raise UnreadableImageError(_CUT_SHORT) from error
    try:
        image = Image.open(BytesIO(file.data), formats=tuple(SIGNATURES))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnsuitableImageError(f"the image is far too large; {_LIMITS}") from error
    except _DECODER_ERRORS as error:
        raise UnreadableImageError("the image is damaged: its header cannot be read") from error
    file_format, mode = str(image.format), image.mode
    if file_format not in SIGNATURES:
        raise UnsupportedImageError("the file is neither a plain PNG nor a plain JPEG image")
    _check_size(image.size, fit, side)
    file.check()
    try:
        image.load()
        if isinstance(file, png.Png):
            file.finish(image)
    except _DECODER_ERRORS as error:
        raise UnreadableImageError(_CUT_SHORT) from error
    _turn_upright(image)
    return image, file_format, mode


def _turn_upright(image: Image.Image) -> None:
    """Turn an image as its EXIF block says. One that is damaged says nothing."""
    try:
        image.getexif()
    except _DECODER_ERRORS:
        return
    # The block is read. Pillow would write it anew, without the orientation, and cannot write all that cameras do.
    image.info.pop("exif", None)
    ImageOps.exif_transpose(image, in_place=True)


def _check_size(size: tuple[int, int], fit: Fit, side: int) -> None:
    """Refuse an image that is too large or not side×side where it must be, before a pixel is decoded."""
    width, height = size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UnsuitableImageError(f"the image is {width}×{height}; {_LIMITS}")
    if fit is Fit.EXACT and size != (side, side):
        raise UnsuitableImageError(
            f"the image is {width}×{height}, and must be {side}×{side}; "
            "with ?fit=auto it is brought to that size as the network's own images were"
        )


def _layers(image: Image.Image, colour: bool) -> tuple[list[Samples], Samples | None]:
    """Samples (height, width) of the luminance (ITU-R 601) or of three colours, and of the opacity where there is one.

    A grey picture has the luminance alone.
    """
    if image.mode.startswith("I"):
        # 16 bits. Pillow's conversion to 8 bits would clip at 255.
        samples = np.asarray(image, np.uint16)
        key = image.info.get("transparency")
        return [samples], np.uint8(255) * (samples != key) if isinstance(key, int) else None
    opacity = None
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        opacity = np.asarray(image.getchannel("A"))
    if colour and image.mode != "L":
        image = image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
        return [np.asarray(image.getchannel(name)) for name in "RGB"], opacity
    grey = image if image.mode == "L" else image.convert("L")
    return [np.frombuffer(grey.tobytes(), np.uint8).reshape(grey.height, grey.width)], opacity


def _in_grey(luminance: Samples, opacity: Samples | None, polarity: Polarity, expected: Expected) -> tuple[Array, bool]:
    """(height, width) in [0, 1] with light ink on dark, also under transparent parts; and whether it was inverted."""
    grey = _unit(luminance, expected.side)
    if opacity is not None:
        alpha = _unit(opacity, expected.side)
        grey *= alpha
        weight = alpha.sum()
        if _on_light(polarity, float(grey.sum() / weight) if weight else None):
            grey += np.subtract(1, alpha, out=alpha)
    inverted = expected.inverts(grey, polarity)
    if inverted and opacity is None:
        # Inverted as integers: 1 − 51/255 is not always the float that 204/255 is.
        grey = _unit(luminance.dtype.type(_WHITE[luminance.dtype]) - luminance, expected.side)
    elif inverted:
        np.subtract(1, grey, out=grey)
    return grey, inverted


def _in_colour(layers: list[Samples], opacity: Samples | None, fit: Fit, polarity: Polarity, side: int) -> Array:
    """(3, side, side) in [0, 1], with black or white under transparent parts. To save memory, channel by channel."""
    alpha, light = None, False
    if opacity is not None:
        alpha = _unit(opacity, side)
        weight, shares = float(alpha.sum()), _LUMINANCE if len(layers) > 1 else (1.0,)
        each = zip(shares, layers, strict=True)
        seen = sum(share * float(np.einsum("hw,hw->", _unit(one, side), alpha)) for share, one in each)
        light = _on_light(polarity, seen / weight if weight else None)
    image = np.empty((3, side, side))
    for number, one in enumerate(layers):
        channel = _unit(one, side)
        if alpha is not None:
            # In place: channel · alpha + light · (1 − alpha).
            channel -= light
            channel *= alpha
            channel += light
        image[number] = resized(channel, side) if fit is Fit.RESIZE else channel
    # Those of a grey picture are equal.
    image[len(layers) :] = image[0]
    return image


def _on_light(polarity: Polarity, luminance: float | None) -> bool:
    """Whether white is under transparent parts; black is, if not.

    The file does not say which: it is taken to be the opposite of what is opaque, whose mean luminance this is; None if
    nothing is.
    """
    if polarity is Polarity.AUTO:
        return luminance is not None and luminance < 0.5
    return polarity is Polarity.DARK_ON_LIGHT


def _unit(samples: Samples, side: int) -> Array:
    """Scale to [0, 1]: images of the network's size in float64, other pictures in float32 to save memory."""
    unit: Array = samples.astype(np.float64 if samples.shape == (side, side) else np.float32)
    unit /= unit.dtype.type(_WHITE[samples.dtype])
    return unit
