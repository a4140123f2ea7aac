"""The scale and the theme of a picture."""

from dataclasses import dataclass
from enum import StrEnum

MAX_SCALE = 4


class Theme(StrEnum):
    """Dark ink on light paper, or light ink on dark paper."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Style:
    """The size and the colours of a picture.

    Parameters
    ----------
    scale
        Pixels for each logical unit, 1…4.
    theme
        The palette. Ink is dark in the light theme and light in the dark theme.

    Raises
    ------
    ValueError
        A scale out of range.
    """

    scale: int = 1
    theme: Theme = Theme.LIGHT

    def __post_init__(self) -> None:
        if not 1 <= self.scale <= MAX_SCALE:
            raise ValueError(f"scale must be from 1 to {MAX_SCALE}, not {self.scale}")
