"""What a network expects of images, from its card."""

from dataclasses import dataclass

from konkyo.models.files.card import OPTIONAL_WARNINGS, Card, Polarity, Preprocessing


@dataclass(frozen=True)
class Expected:
    """What a network expects of images.

    Attributes
    ----------
    preprocessing
        How pictures become its images: with ``MNIST`` they show ink that fills little of them.
    polarity
        Of the pictures that it was trained on.
    warnings
        The codes of the optional warnings that make sense for them.
    """

    preprocessing: Preprocessing = Preprocessing.MNIST
    polarity: Polarity = Polarity.AUTO
    warnings: tuple[str, ...] = OPTIONAL_WARNINGS

    @classmethod
    def by(cls, card: Card) -> "Expected":
        """What the card says."""
        return cls(Preprocessing(card["preprocessing"]), Polarity(card["polarity"]), tuple(card["warnings"]))


MNIST = Expected()
