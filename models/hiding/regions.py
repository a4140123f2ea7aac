"""The regions of an image: a grid of squares that are hidden."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array, Network, softmax
from konkyo.models.preparation.resizing import border_median


@dataclass(frozen=True)
class Regions:
    """An R×R grid of squares that covers the image.

    They start at 0, stride, 2·stride, … until the image is covered. A square that extends beyond the edge is clipped,
    so every pixel belongs to at least one region (Captum's rule).

    Parameters
    ----------
    region
        Side in pixels, from 1 to half the image's side. The paper's is 2, which gives 14×14 regions.
    stride
        Distance between the corners of neighbouring regions in pixels, 1…region. By default ``region``: no overlap.
    side
        Of the image, in pixels.

    Raises
    ------
    ParameterError
        Out of range.
    """

    region: int = 2
    stride: int | None = None
    side: int = IMAGE_SIDE

    def __post_init__(self) -> None:
        most = self.side // 2
        if not 1 <= self.region <= most:
            raise ParameterError("region", f"must be from 1 to {most} pixels, not {self.region}")
        if self.stride is not None and not 1 <= self.stride <= self.region:
            raise ParameterError(
                "stride",
                f"must be from 1 to the region's {self.region}, so that no pixel is skipped, not {self.stride}",
            )

    @property
    def step(self) -> int:
        """The stride in pixels; ``region`` by default."""
        return self.stride or self.region

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.starts), len(self.starts)

    @property
    def count(self) -> int:
        """R², the number of regions."""
        return len(self.starts) ** 2

    @cached_property
    def starts(self) -> range:
        """The first pixel row of each row of regions. The same for columns."""
        return range(0, self.side - self.region + self.step, self.step)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of a region in pixels, right and bottom excluded, clipped to the image."""
        left, top = self.starts[column], self.starts[row]
        return left, top, min(left + self.region, self.side), min(top + self.region, self.side)

    @cached_property
    def covers(self) -> NDArray[np.bool_]:
        """(R, side): the pixel rows of each row of regions. The same for columns."""
        offset = np.arange(self.side) - np.array(self.starts)[:, None]
        inside: NDArray[np.bool_] = (offset >= 0) & (offset < self.region)
        return inside

    @cached_property
    def _counting(self) -> NDArray[np.float32]:
        """``covers`` as numbers."""
        return self.covers.astype(np.float32)

    def spread(self, values: Array) -> Array:
        """For each pixel the mean of the values of the regions that cover it: (..., R, R) → (..., side, side)."""
        covers = self.covers.astype(values.dtype)
        counts = covers.sum(0)
        spread: Array = covers.T @ values @ covers / np.outer(counts, counts)
        return spread

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """(R, R, side, side): the pixels of each region."""
        return self.covers[:, None, :, None] & self.covers[None, :, None, :]

    def changed(self, differs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N, R²): whether a region has a pixel that differs, for pixels (N, side, side)."""
        counts = self._counting @ differs.astype(np.float32) @ self._counting.T
        return counts.reshape(len(differs), self.count) > 0


class FillKind(StrEnum):
    """What stands in the place of hidden pixels, made from the image itself."""

    # What it is, for those who ask.
    about: str

    def __new__(cls, value: str, about: str = "") -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.about = value, about
        return kind

    BACKGROUND = "background", "for each channel the median of the image's border"
    BLUR = "blur", "the image under a Gaussian of an eighth of its side"


# What a fill is, for those who ask.
FILL_WORDS = "What hidden pixels become: a value for all channels, of which 0 is black; or "
FILL_WORDS += "; or ".join(f"`{kind}`, {kind.about}" for kind in FillKind) + "."
# What it must be, in a message.
FILLS = f"a number from 0 to 1, {', '.join([*FillKind][:-1])} or {[*FillKind][-1]}"
# A number in [0, 1], for all channels and pixels, or one of the kinds.
Fill = float | FillKind


@dataclass(frozen=True)
class Hiding:
    """A grid of regions, and what stands in the place of hidden pixels.

    Parameters
    ----------
    regions
        The grid.
    fill
        The paper's is 0, the background.

    Raises
    ------
    ParameterError
        A fill out of range.
    """

    regions: Regions = Regions()
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        check_fill(self.fill)

    def changed(self, image: Array) -> NDArray[np.bool_]:
        """(R²,), row by row: whether hiding the region changes any pixel of the image, (…, side, side)."""
        side = self.regions.side
        differs = (image != filled(image, self.fill)).reshape(-1, side, side).any(0)
        changed: NDArray[np.bool_] = self.regions.changed(differs[None])[0]
        return changed

    def to_dict(self) -> dict[str, Any]:
        """The fields of an answer that say what was hidden."""
        return {"region": self.regions.region, "fill": self.fill, "grid": list(self.regions.grid)}


class HasHiding(Protocol):
    """What was made under hidings."""

    @property
    def hiding(self) -> Hiding:
        """The regions and the fill value."""


class OfRegions:
    """What a result under hidings says of them."""

    @property
    def region(self: HasHiding) -> int:
        """The side of a region in pixels."""
        return self.hiding.regions.region

    @property
    def stride(self: HasHiding) -> int:
        """From one region to the next, in pixels."""
        return self.hiding.regions.step

    @property
    def grid(self: HasHiding) -> tuple[int, int]:
        """(rows, columns) of the regions."""
        return self.hiding.regions.grid

    @property
    def fill(self: HasHiding) -> Fill:
        """What hidden pixels became: a number, or a kind."""
        return self.hiding.fill


def filled(images: Array, fill: Fill | Array) -> Array:
    """The pixels that replace hidden ones: (..., side, side) for images of this shape. ``fill`` may be an image."""
    if not isinstance(fill, FillKind):
        return np.broadcast_to(np.asarray(fill, images.dtype), images.shape)
    if fill is FillKind.BACKGROUND:
        return np.broadcast_to(border_median(images)[..., None, None], images.shape)
    blur = _gaussian(images.shape[-1]).astype(images.dtype)
    blurred: Array = blur @ images @ blur.T
    return blurred


@lru_cache(maxsize=8)
def _gaussian(side: int) -> Array:
    """(side, side): the weights with which the pixels of a line are averaged, without what is beyond the edge."""
    distance = np.arange(side) - np.arange(side)[:, None]
    weights: Array = np.exp(-((distance / (side / 8)) ** 2) / 2)
    weights /= weights.sum(1, keepdims=True)
    return weights


def fill_of(value: Any) -> Fill:
    """A fill, of a number, the name of a kind, or an array in which one number stands everywhere.

    Raises
    ------
    ParameterError
        It is something else.
    """
    if isinstance(value, str):
        if value in [*FillKind]:
            return FillKind(value)
        raise ParameterError("fill", f"must be {FILLS}, not {value!r}")
    if isinstance(value, int | float):
        return value
    values = np.asarray(value.tolist() if hasattr(value, "tolist") else value)
    if values.dtype.kind not in "fiu" or not values.size or (values != values.flat[0]).any():
        given = f"an array of shape {values.shape} with several values" if values.size > 1 else type(value).__name__
        right = f"{FILLS}; an array fits where it holds one number for all pixels"
        raise ParameterError("fill", f"must be {right}. It is {given}")
    return float(values.flat[0])


def side_of(region: int | tuple[int, ...] | None) -> int | None:
    """The side of square regions, also of both sides; None for none.

    Raises
    ------
    ParameterError
        They differ.
    """
    if not isinstance(region, tuple):
        return region
    if len(region) != 2 or region[0] != region[1]:
        raise ParameterError("region", f"must be square, a side such as 4 or (4, 4), not {region}")
    return region[0]


def check_fill(fill: Fill | Array, shape: tuple[int, ...] = ()) -> None:
    """Raise ParameterError unless ``fill`` is a kind, a value of pixels, or an image of this shape, 0…1."""
    if isinstance(fill, FillKind):
        return
    values = np.asarray(fill)
    if values.shape not in ((), shape):
        raise ParameterError("fill", f"must be a number or an image of {'×'.join(map(str, shape))}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ParameterError("fill", f"must be from 0 to 1, not {fill if values.ndim == 0 else 'as this image'}")


def check_regions(regions: Regions, network: Network) -> None:
    """Raise ParameterError unless the regions are of an image of the network's side."""
    if regions.side != network.architecture.side:
        raise ParameterError(
            "region",
            f"these regions are of an image with a side of {regions.side} pixels; the network's has "
            f"{network.architecture.side}",
        )


@dataclass(frozen=True)
class Empty:
    """The image of which everything is hidden.

    Attributes
    ----------
    logits
        (C,): one for each class.
    """

    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit. A tie within rounding goes to the lowest class."""
        return int(ties.predicted(self.logits))

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return float(softmax(self.logits)[self.predicted])

    def to_dict(self, network: Network, logit: float) -> dict[str, Any]:
        """The fields of an answer; ``logit`` is that of the class that is explained."""
        label = network.classes[self.predicted]
        return {"predicted": self.predicted, "label": label, "probability": self.probability, "logit": logit}


def empty_image(network: Network, image: Array, fill: Fill = 0.0) -> Empty:
    """Predict an image with everything hidden."""
    images, _ = network.flatten(image)
    return Empty(network.logits(filled(images, fill).reshape(network.architecture.image_shape)))
