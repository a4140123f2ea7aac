"""Query parameters that operations share."""

from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from konkyo.models.architecture import SIDES
from konkyo.models.errors import ParameterError
from konkyo.models.files.card import Polarity
from konkyo.models.filters.usage import Usage
from konkyo.models.hiding.regions import FILLS, FillKind
from konkyo.models.network import Network
from konkyo.models.preparation.expected import Fit
from konkyo.models.question import PredictQuestion, Question
from konkyo.service.drawing.primitives.style import MAX_SCALE, Form, Language, Style, Theme
from konkyo.service.http.answer import AnyFormat, Format, GroundsFormat
from konkyo.service.http.problems import unknown_parameter

# The side of a region. A network takes 1 to half the side of its images; more is refused whatever the network.
MAX_REGION = SIDES[-1] // 2
Region = Annotated[int, Field(ge=1, le=MAX_REGION)]
# For every combination of regions.
ExactRegion = Annotated[
    Region | None,
    Field(
        description="Side of a region in pixels, from 1 to half the image's side; if absent, as the model's `explains` "
        "says: 4 for 28×28. Smaller ones only where hiding changes few regions.",
    ),
]
Grey = Annotated[float, Field(ge=0, le=1)]
_GREY: TypeAdapter[float] = TypeAdapter(Grey)


def _fill(value: object) -> float | FillKind:
    """One message for both, where a union has one for each."""
    for kind in FillKind:
        if value == kind:
            return kind
    try:
        return _GREY.validate_python(value)
    except ValidationError as error:
        raise PydanticCustomError("fill", f"must be {FILLS}") from error


Fill = Annotated[
    float | FillKind,
    PlainValidator(_fill, json_schema_input_type=Grey | FillKind),
    Field(
        description="What hidden pixels become: a value for all channels, of which 0 is black; or "
        + "; or ".join(f"`{kind}`, {kind.about}" for kind in FillKind)
        + "."
    ),
]
# The same in an answer.
FillAnswer = Grey | FillKind


class PictureQuery(BaseModel):
    """Parameters of every operation that answers with JSON or a picture."""

    # Unknown parameters are refused: a misspelt one must not be ignored.
    model_config = ConfigDict(extra="forbid")

    format: Format | None = Field(
        None, description="The form of the answer; goes before the `Accept` header. Without either it is JSON."
    )
    scale: int = Field(1, ge=1, le=MAX_SCALE, description="Size of the picture: pixels a unit. Not for JSON.")
    theme: Theme = Field(Theme.LIGHT, description="Colours of the picture. Not for JSON.")
    language: Language = Field(
        Language.ENGLISH, description="Of the words in the picture. `ja` is for `format=svg`. Not for JSON."
    )

    # Parameters that have no effect on the other format.
    JSON_ONLY: ClassVar[frozenset[str]] = frozenset()
    PICTURE_ONLY: ClassVar[frozenset[str]] = frozenset({"scale", "theme", "language"})

    def check_form(self, form: AnyFormat) -> None:
        """Raise ParameterError if a parameter was given that has no effect on this format.

        Its default changes nothing, and clients that were generated send it.
        """
        if form is Format.JSON:
            foreign, advice = self.PICTURE_ONLY, "is for pictures; ask for format=png or svg too, or leave it out"
        else:
            foreign, advice = self.JSON_ONLY, "is for JSON; ask for format=json, or leave it out"
        for name in sorted(foreign & self.model_fields_set):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ParameterError(name, advice)
        if form is Format.PNG and self.language is not Language.ENGLISH:
            raise ParameterError("language", "the letters of a PNG are English; ask for format=svg, which has Japanese")

    def style(self, form: AnyFormat) -> Style:
        """How a picture of this format is drawn."""
        svg = form in (Format.SVG, GroundsFormat.HTML)
        return Style(self.scale, self.theme, Form.SVG if svg else Form.PNG, self.language)


class ImageQuery(PictureQuery):
    """Parameters of every operation on an image."""

    fit: Fit = Field(
        Fit.EXACT,
        description="How an image is brought to the size that the network takes, 28×28 for MNIST's. `exact`: it must "
        "have it already. `mnist`: it is cropped to the ink, scaled and centred; for grey networks of 28×28. `resize`: "
        "all of it is scaled, its aspect kept. `auto`: as the network's card says.",
    )
    polarity: Polarity = Field(
        Polarity.AUTO,
        description="Which is the ink. `auto` is as the network's card says; for MNIST, dark ink where the border is "
        "bright. Images in colour are taken as they are.",
    )
    model: str | None = Field(None, description="A checkpoint's name, see `GET /models`; the default one, if absent.")

    def question(self, network: Network, _: Usage | None) -> Question[Any]:
        """The question about a network.

        Raises
        ------
        ParameterError
            A parameter is none for this network.
        """
        return PredictQuestion(network=network)


class ClassQuery(ImageQuery):
    """Parameters of every explanation of a class."""

    target: str | None = Field(
        None,
        description="The class to explain, by its name or its number from 0; where both fit, the name. The predicted "
        "one, if absent.",
    )
    versus: str | None = Field(
        None,
        description="The class to compare with, named as `target`: numbers become the difference target − versus.",
    )


async def _no_query(request: Request) -> None:
    if request.query_params:
        raise ParameterError("query", unknown_parameter(()))


# For operations without parameters in the query.
NoQuery = Depends(_no_query)
