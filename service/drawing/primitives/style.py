"""How a picture is drawn: as pixels or as an SVG, how large, in which colours and language."""

from dataclasses import dataclass
from enum import StrEnum

MAX_SCALE = 4


class Theme(StrEnum):
    """Dark ink on light paper, or light ink on dark paper."""

    LIGHT = "light"
    DARK = "dark"


class Form(StrEnum):
    """Pixels, or vectors with text."""

    PNG = "png"
    SVG = "svg"


class Language(StrEnum):
    """Of the words in a picture."""

    ENGLISH = "en"
    JAPANESE = "ja"


@dataclass(frozen=True)
class Style:
    """The form, the size, the colours and the language of a picture.

    Parameters
    ----------
    scale
        Pixels for each logical unit, 1…4.
    theme
        The palette. Ink is dark in the light theme and light in the dark theme.
    form
        What the picture becomes.
    language
        Of its words. The font of pixels has no Japanese letters, so Japanese is for SVG.

    Raises
    ------
    ValueError
        A scale out of range, or pixels in Japanese.
    """

    scale: int = 1
    theme: Theme = Theme.LIGHT
    form: Form = Form.PNG
    language: Language = Language.ENGLISH

    def __post_init__(self) -> None:
        if not 1 <= self.scale <= MAX_SCALE:
            raise ValueError(f"scale must be from 1 to {MAX_SCALE}, not {self.scale}")
        if self.form is Form.PNG and self.language is not Language.ENGLISH:
            raise ValueError("a PNG has English words only; ask for an SVG, or leave the language out")
