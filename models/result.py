"""What every explanation of one image has in common."""

from dataclasses import dataclass

from models.network import Array, Network


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer to one question about one image. To serialise it and to draw it needs no further computation.

    Attributes
    ----------
    network
        The network that was asked.
    image
        (28, 28) in [0, 1].
    logits
        (10,): of the whole image.
    """

    network: Network
    image: Array
    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit; of equal ones, the lowest."""
        return int(self.logits.argmax())


@dataclass(frozen=True, kw_only=True)
class ClassResult(Result):
    """The explanation of one class.

    Attributes
    ----------
    target
        The class that is explained.
    versus
        The contrast class: every number is the difference target − versus. None compares with nothing.
    """

    target: int
    versus: int | None
