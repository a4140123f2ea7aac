"""The fields that all explanations of one image share."""

from dataclasses import dataclass

from konkyo.models.network import Array, Network


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer to one question about one image. It contains everything that is needed to serialise or draw it.

    Attributes
    ----------
    network
        The network that answered.
    image
        (28, 28) in [0, 1].
    logits
        (C,): the logits of the whole image.
    """

    network: Network
    image: Array
    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit. A tie goes to the lowest class."""
        return int(self.logits.argmax())

    @property
    def label(self) -> str:
        """The name of the predicted class."""
        return self.name(self.predicted)

    def name(self, number: int) -> str:
        """The name of a class."""
        return self.network.classes[number]


@dataclass(frozen=True, kw_only=True)
class ClassResult(Result):
    """The explanation of one class.

    Attributes
    ----------
    target
        The explained class.
    versus
        The class to compare with, if any: every number is the difference target − versus.
    """

    target: int
    versus: int | None
