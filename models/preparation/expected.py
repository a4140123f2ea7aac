"""What a network expects of images, from its card and its shape."""

from dataclasses import dataclass
from enum import StrEnum

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.errors import ParameterError
from konkyo.models.files.card import OPTIONAL_WARNINGS, Polarity, Preprocessing
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Array
from konkyo.models.preparation.polarity import ink_is_dark
from konkyo.models.preparation.resizing import is_dark_on_light


class Fit(StrEnum):
    """How a picture is brought to the size of the network's images. ``AUTO``: as the network's card says."""

    AUTO = "auto"
    EXACT = "exact"
    MNIST = "mnist"
    RESIZE = "resize"


@dataclass(frozen=True)
class Expected:
    """What a network expects of images.

    Attributes
    ----------
    preprocessing
        How pictures become its images: with ``MNIST`` they show ink that fills little of them.
    polarity
        Of the pictures that it was trained on. A colour image is never inverted.
    warnings
        The codes of the optional warnings that make sense for them.
    side
        Of the images, in pixels.
    channels
        1 for grey images, 3 for colour.
    """

    preprocessing: Preprocessing = Preprocessing.MNIST
    polarity: Polarity = Polarity.AUTO
    warnings: tuple[str, ...] = OPTIONAL_WARNINGS
    side: int = IMAGE_SIDE
    channels: int = 1

    @classmethod
    def by(cls, checkpoint: Checkpoint) -> "Expected":
        """What the card and the network say."""
        card, shape = checkpoint.card, checkpoint.network.architecture
        return cls(card.preprocessing, card.polarity, card.warnings, shape.side, shape.channels)

    @property
    def colour(self) -> bool:
        """Whether the images are in colour."""
        return self.channels > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image as an array."""
        grey = (self.side, self.side)
        return (self.channels, *grey) if self.colour else grey

    def inverts(self, grey: Array, polarity: Polarity | None = None) -> bool:
        """Whether a picture (height, width) is inverted, since its ink is dark.

        Parameters
        ----------
        polarity
            What is known of its ink; by default what the card says.
        """
        said = self.polarity if polarity is None else polarity
        if said is not Polarity.AUTO:
            return said is Polarity.DARK_ON_LIGHT
        # In other images than those of ink on paper, the border alone decides.
        return ink_is_dark(grey) if self.preprocessing is Preprocessing.MNIST else is_dark_on_light(grey)

    def fit(self, asked: Fit) -> Fit:
        """How a picture becomes an image, where ``asked`` may leave it to the card.

        Raises
        ------
        ParameterError
            As MNIST's digits, for a network of other images.
        """
        if asked is Fit.AUTO:
            return Fit(self.preprocessing.value)
        if asked is Fit.MNIST and (self.side, self.channels) != (IMAGE_SIDE, 1):
            raise ParameterError(
                "fit",
                f"mnist is for networks of grey images of {IMAGE_SIDE}×{IMAGE_SIDE}, and this one takes {self.images}; "
                "with auto a picture is brought to that size as the network's own images were",
            )
        return asked

    def ink(self, asked: Polarity) -> Polarity:
        """Which is the ink, where ``asked`` may leave it to the card.

        Raises
        ------
        ParameterError
            Dark ink in colour images, which are never inverted.
        """
        if self.colour:
            if asked is Polarity.DARK_ON_LIGHT:
                raise ParameterError("polarity", "colour images are never inverted; leave it out")
            return asked
        return self.polarity if asked is Polarity.AUTO else asked

    @property
    def images(self) -> str:
        """The images in words."""
        return f"{'colour' if self.colour else 'grey'} images of {self.side}×{self.side}"


MNIST = Expected()
