"""Query parameters that operations share."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from models.errors import ParameterError
from service.drawing.primitives.style import MAX_SCALE, Style, Theme
from service.handling.answers import Class
from service.http.negotiation import Format
from service.imaging.decoding import Fit, Polarity


class PictureQuery(BaseModel):
    """Parameters of every operation that answers with JSON or a picture."""

    # Unknown parameters are refused: a misspelt one must not be ignored.
    model_config = ConfigDict(extra="forbid")

    format: Format | None = Field(
        None, description="The form of the answer; goes before the `Accept` header. Without either it is JSON."
    )
    scale: int = Field(1, ge=1, le=MAX_SCALE, description="Size of the picture: pixels a unit. Not for JSON.")
    theme: Theme = Field(Theme.LIGHT, description="Colours of the picture. Not for JSON.")

    # Parameters that have no effect on the other format.
    JSON_ONLY: ClassVar[frozenset[str]] = frozenset()
    PICTURE_ONLY: ClassVar[frozenset[str]] = frozenset({"scale", "theme"})

    def check_form(self, form: Format) -> None:
        """Raise ParameterError if a parameter was given that has no effect on this format."""
        if form is Format.JSON:
            foreign, advice = self.PICTURE_ONLY, "is for pictures; ask for format=png too, or leave it out"
        else:
            foreign, advice = self.JSON_ONLY, "is for JSON; ask for format=json, or leave it out"
        for name in sorted(foreign & self.model_fields_set):
            raise ParameterError(name, advice)

    @property
    def style(self) -> Style:
        """Scale and theme of the picture."""
        return Style(self.scale, self.theme)


class ImageQuery(PictureQuery):
    """Parameters of every operation on an image."""

    fit: Fit = Field(Fit.EXACT, description="`exact` takes 28×28 as it is; `mnist` crops, scales and centres any size.")
    polarity: Polarity = Field(
        Polarity.AUTO, description="Which is the ink. `auto` takes dark ink where the border is bright."
    )
    model: str | None = Field(None, description="A checkpoint's name, see `GET /models`; the default one, if absent.")


class ClassQuery(ImageQuery):
    """Parameters of every explanation of a class."""

    target: Class | None = Field(None, description="The class to explain; the predicted one, if absent.")
    versus: Class | None = Field(
        None, description="A contrast class: every number becomes the difference target − versus."
    )
