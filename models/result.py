"""The fields that all explanations of one image share."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from konkyo.models import ties
from konkyo.models.classes import Names, shortened
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Array, Network, softmax
from konkyo.models.rounding import percents

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

# Why a network with hidden affine layers has no values by pair under hidings.
HIDDEN_PAIRS = "with hidden affine layers the head differs from hiding to hiding"
# Characters of the line that describes a result.
LONGEST_LINE = 300

Theme = Literal["light", "dark"]
Language = Literal["en", "ja"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Result(ABC):
    """The answer to one question about one image. It contains everything that is needed to serialise or draw it.

    In a notebook it shows itself as a picture, in a terminal as one line.

    Attributes
    ----------
    network
        The network that answered.
    image
        Of the network's shape, in [0, 1].
    logits
        (C,): the logits of the whole image.
    """

    network: Network
    image: Array
    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit. A tie within rounding goes to the lowest class."""
        return int(ties.predicted(self.logits))

    @property
    def label(self) -> str:
        """The name of the predicted class."""
        return self.name(self.predicted)

    def name(self, number: int) -> str:
        """The name of a class."""
        return self.network.classes[number]

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return float(softmax(self.logits)[self.predicted])

    def save(self, path: str | Path, *, scale: int = 2, theme: Theme = "light", language: Language = "en") -> Path:
        """Write the picture of this result, ``why.svg`` or ``why.png``, and return where it is.

        Parameters
        ----------
        path
            Its suffix says which form.
        scale
            Size: pixels a unit, 1 to 4.
        theme
            ``light`` or ``dark``.
        language
            ``en``, or ``ja`` for an SVG.

        Raises
        ------
        ParameterError
            There is no such form, scale, theme or language.
        OSError
            The file cannot be written.
        """
        path = Path(path)
        path.write_bytes(_above("pictures").draw(self, path.suffix, scale, theme, language))
        return path

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What a notebook shows: the picture, and the line for those who read no pictures."""
        svg = _above("pictures").draw(self, ".svg", 1, "light", "en").decode()
        data = {"text/plain": repr(self), "image/svg+xml": svg}
        return {
            kind: value
            for kind, value in data.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def __repr__(self) -> str:
        """One line of at most 300 characters."""
        percent = percents(softmax(self.logits))[self.predicted].removesuffix("%")
        line = f"{shortened(self.label, 40)} with {percent} %{self._line()}"
        return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"

    def _line(self) -> str:
        """What the line says beside the prediction."""
        return ""

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw this result with matplotlib, and return the axes.

        Parameters
        ----------
        ax
            Where it is drawn; by default in a new figure.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        drawn: Axes = _above("pictures").plot(self, ax)
        return drawn

    def to_dataframe(self) -> "pandas.DataFrame":
        """The numbers of this result as a table of pandas, one a row; numbers of places start with 0, as in arrays.

        ``value`` is the probability of a ``class``; what a pair of a ``map`` and a ``filter`` adds to the logit of a
        class; the drop or the Shapley value of the region in a ``row`` and a ``column``, with ``pairs`` of each pair
        there; or the set that the region belongs to, ``sufficient`` or ``contrast``. ``image`` is the image's number,
        and ``versus`` the class that is compared with, if any. Biases are attributes.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        tabled: pandas.DataFrame = _above("results").table(self)
        return tabled

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON has it, without what only a service knows: ``docs/http.md`` describes its fields."""
        return {"predicted": self.predicted, "label": self.label, **self._fields()}

    @abstractmethod
    def _fields(self) -> dict[str, Any]:
        """The fields that only this result has."""


def _above(name: str) -> Any:
    """What draws results or makes tables of them. It stands above this floor, and is loaded when first asked for."""
    return import_module(f"konkyo.{name}")


@dataclass(frozen=True, kw_only=True, repr=False)
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

    @property
    def asked(self) -> str:
        """The explained class, with the one that it is compared with, by name."""
        target = shortened(self.name(self.target), 40)
        return target if self.versus is None else f"{target} and not {shortened(self.name(self.versus), 40)}"

    def to_dict(self) -> dict[str, Any]:
        """As ``Result.to_dict``, with the class that is explained."""
        compared = {} if self.versus is None else {"versus": self.versus}
        common = {"predicted": self.predicted, "label": self.label, "target": self.target, **compared}
        return {**common, **self._fields()}


def check_class(parameter: str, value: int, count: int) -> None:
    """Raise ParameterError unless ``value`` is the number of one of ``count`` classes."""
    if not 0 <= value < count:
        raise ParameterError(parameter, f"must be a class from 0 to {count - 1}, not {value}")


def check_question(target: int | None, versus: int | None, classes: Names) -> None:
    """Raise ParameterError unless both are numbers of classes or None, and differ."""
    for parameter, value in (("target", target), ("versus", versus)):
        if value is not None:
            check_class(parameter, value, len(classes))
    if versus is not None and versus == target:
        raise ParameterError("versus", f"must differ from the target; both are {classes[versus]}")


def check_pairs(network: Network) -> None:
    """Raise ParameterError for a network whose pairs have other weights in each hiding."""
    if network.architecture.hidden:
        raise ParameterError("pairs", f"{HIDDEN_PAIRS}; ask without pairs")


def check_single(image: Array, network: Network) -> None:
    """Raise ImageError for a batch, or an image of another shape."""
    if np.ndim(image) != len(network.architecture.image_shape):
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")
    network.check_shape(np.asarray(image))


@dataclass(frozen=True, kw_only=True, repr=False)
class Prediction(Result):
    """The prediction of one image.

    Attributes
    ----------
    probabilities
        (C,): the softmax of the logits.
    """

    probabilities: Array

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return float(self.probabilities[self.predicted])

    @classmethod
    def of(cls, network: Network, image: Array, logits: Array) -> "Prediction":
        """The prediction of an image with these logits (C,)."""
        return cls(network=network, image=image, logits=logits, probabilities=softmax(logits))

    def _fields(self) -> dict[str, Any]:
        return {
            "probability": self.probability,
            "probabilities": self.probabilities.tolist(),
            "logits": self.logits.tolist(),
        }


def predict(network: Network, image: Array) -> Prediction:
    """Predict one image.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1], light ink on dark.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    """
    check_single(image, network)
    return Prediction.of(network, image, network.logits(image))
