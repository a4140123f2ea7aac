"""The results of many images: a list that shows itself and is saved as a whole."""

from collections.abc import Collection
from html import escape
from pathlib import Path
from typing import Literal, SupportsIndex, TypeVar, overload

from konkyo.models.result import Language, Result, Theme

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
        return f"[{', '.join([*map(repr, self[:SHOWN]), *self._others()])}]"

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
