"""Query parameters that operations share."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticCustomError

from konkyo.models.architecture import SIDES
from konkyo.models.errors import ParameterError
from konkyo.models.files.card import Polarity
from konkyo.models.filters.contributions import MapDetail
from konkyo.models.filters.usage import Usage
from konkyo.models.grounds.proofs import Position
from konkyo.models.hiding.occlusion import Score
from konkyo.models.hiding.regions import FILLS, FillKind
from konkyo.models.network import Network
from konkyo.models.preparation.expected import Fit
from konkyo.models.question import Question
from konkyo.service.drawing.primitives.style import MAX_SCALE, Form, Language, Style, Theme
from konkyo.service.http.answer import AnyFormat, DocumentFormat, Format
from konkyo.service.http.problems import unknown_parameter

# The side of a region. A network takes 1 to half the side of its images; more is refused whatever the network.
MAX_REGION = SIDES[-1] // 2
Region = Annotated[int, Field(ge=1, le=MAX_REGION)]
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


# In an answer.
Fill = Grey | FillKind

_HIDE = r"^[0-9]{1,2}\.[0-9]{1,2}(-[0-9]{1,2}\.[0-9]{1,2})*$"


def _hide(value: str) -> tuple[Position, ...]:
    """Refuse with a message that says what would be right: pydantic's would show the pattern."""
    if not re.fullmatch(_HIDE, value):
        raise PydanticCustomError("hide", "must be regions as row.column, from 0, with - between them, such as 2.3-4.5")
    return tuple((int(row), int(column)) for row, _, column in (place.partition(".") for place in value.split("-")))


# How options are written in a query, where it is another way than in Python.
WRITTEN: dict[str, Any] = {
    "target": str | None,
    "versus": str | None,
    "region": Region | None,
    "stride": Region | None,
    "fill": Annotated[float | FillKind, PlainValidator(_fill, json_schema_input_type=Fill)],
    "maps": MapDetail,
    "score": Score,
    "hide": Annotated[
        tuple[Position, ...],
        PlainValidator(_hide, json_schema_input_type=Annotated[str, Field(pattern=_HIDE)]),
    ]
    | None,
}


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

    # Parameters that have no effect on the other format; and of two the first, which has a picture of its own.
    JSON_ONLY: ClassVar[frozenset[str]] = frozenset()
    PICTURE_ONLY: ClassVar[frozenset[str]] = frozenset({"scale", "theme", "language"})
    ONE_PICTURE: ClassVar[tuple[str, str] | None] = None

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
        if form is not Format.JSON and self.ONE_PICTURE and all(getattr(self, name) for name in self.ONE_PICTURE):
            own, other = self.ONE_PICTURE
            raise ParameterError(own, f"has a picture of its own; ask for it without {other}")
        if form is Format.PNG and self.language is not Language.ENGLISH:
            raise ParameterError("language", "the letters of a PNG are English; ask for format=svg, which has Japanese")

    def style(self, form: AnyFormat) -> Style:
        """How a picture of this format is drawn."""
        svg = form in (Format.SVG, DocumentFormat.HTML)
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

    ASKS: ClassVar[type[Question[Any]]]

    def question(self, network: Network, usage: Usage | None) -> Question[Any]:
        """The question about a network.

        Raises
        ------
        ParameterError
            A parameter is none for this network.
        """
        return self.ASKS(network, usage=usage, **self.given())

    def given(self) -> dict[str, Any]:
        """The options that were said."""
        return {name: getattr(self, name) for name in self.model_fields_set - ImageQuery.model_fields.keys()}


class DocumentQuery(ImageQuery):
    """Parameters of an operation that answers with a document as well."""

    format: DocumentFormat | None = Field(  # type: ignore[assignment]
        None,
        description="The form of the answer; goes before the `Accept` header. Without either it is JSON. `html` is a "
        "document that works without the service: any regions can be hidden in it.",
    )

    def given(self) -> dict[str, Any]:
        """As of every operation; a document has what is predicted under every hiding."""
        return {**super().given(), "tables": self.format is DocumentFormat.HTML}


def query_of(
    asks: type[Question[Any]],
    base: type[ImageQuery] = ImageQuery,
    json_only: Iterable[str] = (),
    one_picture: tuple[str, str] | None = None,
) -> type[ImageQuery]:
    """The query parameters of a question: those of every operation on an image, and its options.

    Parameters
    ----------
    asks
        The question.
    base
        The parameters beside its options.
    json_only
        The options that no picture shows.
    one_picture
        Of two options that no picture shows both: the first has a picture of its own.
    """
    parameters: dict[str, Any] = {}
    for name, option in asks.options().items():
        about = f"{option.about} Not for pictures." if name in json_only else option.about
        kind = WRITTEN.get(name, option.kind)
        parameters[name] = (Annotated[kind, Field(description=about)], option.default)
    query = create_model(asks.__name__.replace("Question", "Query"), __base__=base, **parameters)
    query.ASKS, query.JSON_ONLY, query.ONE_PICTURE = asks, frozenset(json_only), one_picture
    return query


async def _no_query(request: Request) -> None:
    if request.query_params:
        raise ParameterError("query", unknown_parameter(()))


# For operations without parameters in the query.
NoQuery = Depends(_no_query)
