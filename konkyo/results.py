"""The results of many images, a list that shows itself and is saved as a whole; and results as tables of pandas."""

from collections.abc import Collection, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeVar, overload

import numpy as np

from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.occlusion import OcclusionExplanation
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.network import Array
from konkyo.models.result import ClassResult, Language, Prediction, Result, Theme

if TYPE_CHECKING:
    import pandas

R = TypeVar("R", bound=Result)
# Results that are shown; the others are counted.
SHOWN = 24


class Results(list[R]):
    """The results of many images, in their order.

    In a notebook their pictures stand side by side, in a terminal each is one line. A slice is such a list, too.
    """

    @overload
    def __getitem__(self, index: SupportsIndex) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> "Results[R]": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "R | Results[R]":
        """One result, or those of a slice."""
        return Results(super().__getitem__(index)) if isinstance(index, slice) else super().__getitem__(index)

    def __repr__(self) -> str:
        """The lines of the first results, and how many others there are."""
        lines = ",\n ".join([*map(repr, self[:SHOWN]), *self._others()])
        return f"[{lines}]"

    def _others(self) -> list[str]:
        return [f"… and {len(self) - SHOWN:,} others"] if len(self) > SHOWN else []

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What a notebook shows: the first pictures with their lines."""
        shown = [one._repr_mimebundle_() for one in self[:SHOWN]]
        figures = [
            f'<figure style="display:inline-block;margin:8px;vertical-align:top">{one.get("image/svg+xml", "")}'
            f"<figcaption>{number}: {escape(one['text/plain'])}</figcaption></figure>"
            for number, one in enumerate(shown)
        ]
        data = {"text/plain": repr(self), "text/html": "".join([*figures, *map(escape, self._others())])}
        return {
            kind: value
            for kind, value in data.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def save(
        self,
        folder: str | Path,
        *,
        form: Literal["svg", "png"] = "svg",
        scale: int = 2,
        theme: Theme = "light",
        language: Language = "en",
    ) -> list[Path]:
        """Write a picture of each result into a folder, and return where they are.

        Parameters
        ----------
        folder
            It is made where it is missing. The pictures are called ``0.svg``, ``1.svg``, … in the order of the images,
            with as many digits as the last one has.
        form, scale, theme, language
            As in ``Result.save``.

        Raises
        ------
        ParameterError
            There is no such form, scale, theme or language.
        OSError
            A file cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        digits = len(str(len(self) - 1))
        return [
            one.save(folder / f"{number:0{digits}}.{form}", scale=scale, theme=theme, language=language)
            for number, one in enumerate(self)
        ]

    def to_dataframe(self) -> "pandas.DataFrame":
        """As ``Result.to_dataframe``, with the number of each image."""
        return _frame(self)


def table(result: Result) -> "pandas.DataFrame":
    """The numbers of one result; as ``Result.to_dataframe``."""
    return _frame([result])


def _frame(results: Sequence[Result]) -> "pandas.DataFrame":
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise ImportError("to_dataframe needs pandas; `pip install pandas` installs it") from error
    frames = [pandas.DataFrame({"image": number, **_columns(one)}) for number, one in enumerate(results)]
    return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame({"image": [], "value": []})


def _columns(result: Result) -> dict[str, Any]:
    """The columns of a result: names of classes, numbers of places, and the values there."""
    names = np.array(result.network.classes, dtype=object)
    if isinstance(result, Grounds):
        sets = {"sufficient": result.sufficient.regions, "contrast": result.contrast.regions if result.contrast else ()}
        found = [(*place, kind) for kind, places in sets.items() for place in places]
        rows, columns, kinds = zip(*found, strict=True) if found else ((), (), ())
        return {"class": result.label, "row": rows, "column": columns, "value": kinds}
    axes, values = _values(result)
    places = dict(zip(axes, np.indices(values.shape).reshape(len(axes), -1), strict=True))
    if "class" in places:
        places["class"] = names[places["class"]]
    said: dict[str, Any] = {}
    if isinstance(result, ClassResult):
        said = {"class": result.name(result.target)} if "class" not in places else {}
        if result.versus is not None:
            said["versus"] = result.name(result.versus)
    return {**said, **places, "value": values.ravel()}


def _values(result: Result) -> tuple[tuple[str, ...], Array]:
    """What each axis of a result's values is, and the values."""
    pair, region = ("map", "filter"), ("row", "column")
    match result:
        case Prediction():
            return ("class",), result.probabilities
        case FilterExplanation():
            return pair, result.contributions
        case Process():
            return pair, result.account.contributions
        case OcclusionExplanation():
            return (region, result.drop) if result.pairs is None else (region + pair, result.pairs)
        case ShapleyExplanation():
            return (region, result.values) if result.pairs is None else (region + pair, result.pairs)
    raise TypeError(f"{type(result).__name__} has no table")
