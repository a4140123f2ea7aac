"""What is known of a data set beside its images: what the cards of its networks say of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from konkyo.models.classes import Names, numbered
from konkyo.models.files import card
from konkyo.models.files.card import DatasetCard, Polarity, Preprocessing

# SHA-256 of MNIST's uncompressed files: what counts is what is read, not how it was packed.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# What a card says where nothing says under which licence the images may be used.
NO_LICENCE = "not stated"


@dataclass(frozen=True)
class About:
    """A data set.

    Attributes
    ----------
    name, licence
        For people.
    classes
        The names of the classes, in the order of the labels.
    files
        SHA-256 of each file or part.
    preprocessing
        How a picture of any size becomes such an image.
    polarity
        Whether the ink of the pictures is light or dark.
    warnings
        The optional warnings of the service that make sense for it.
    mirror
        Whether an image from right to left shows the same class; augmented copies are mirrored then.
    notes
        What was done to read it.
    """

    name: str
    licence: str
    classes: Names
    files: Mapping[str, str]
    preprocessing: Preprocessing = Preprocessing.RESIZE
    polarity: Polarity = Polarity.AUTO
    warnings: tuple[str, ...] = ()
    mirror: bool = False
    notes: tuple[str, ...] = ()

    @property
    def card(self) -> DatasetCard:
        """The data set as cards have it."""
        return DatasetCard(name=self.name, licence=self.licence, files=dict(self.files), notes=self.notes)


MNIST = About(
    name=card.MNIST,
    licence=card.MNIST_LICENCE,
    classes=numbered(10),
    files=SHA256,
    preprocessing=Preprocessing.MNIST,
    warnings=card.OPTIONAL_WARNINGS,
)
