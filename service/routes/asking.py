"""From a request to its answer, once for all operations on an image.

query string → question about a network, at a known cost → body → image → turn → result → JSON or picture
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.datastructures import QueryParams

from konkyo.models.errors import ParameterError
from konkyo.models.files.card import Polarity
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.preparation.expected import Expected, Fit
from konkyo.models.question import Question
from konkyo.models.result import Result
from konkyo.service.catalogue import Catalogue
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.http.answer import (
    AnyFormat,
    Format,
    GroundsFormat,
    ReservedResponse,
    choose,
    headers_of,
    media_type,
)
from konkyo.service.http.body import read_image
from konkyo.service.http.problems import unknown_parameter
from konkyo.service.http.room import Reservation, Room, stopping_is_busy
from konkyo.service.http.telemetry import note, timed
from konkyo.service.http.turns import Asker, Turns
from konkyo.service.imaging.decoding import PreprocessingReport, decode_image
from konkyo.service.rendering import rendered
from konkyo.service.routes.answers import reference
from konkyo.service.routes.queries import ImageQuery, PictureQuery

# Larger files take longer to decode than a cheap answer takes to compute.
CHEAP_BYTES = 8 * 1024
# Query strings whose meaning is kept.
KNOWN = 256

P = TypeVar("P", bound=PictureQuery)
Q = TypeVar("Q", bound=ImageQuery)
R = TypeVar("R", bound=Result)


class PlainRoute(APIRoute):
    """A route that calls its function without FastAPI's injection, which would take a tenth of a request's time."""

    def get_route_handler(self) -> Any:
        """The function itself; FastAPI describes it as any other."""
        return self.endpoint


@dataclass(frozen=True)
class Operation(Generic[Q, R]):
    """One operation on an image.

    Attributes
    ----------
    query
        The model of its query parameters, which makes the question.
    to_dict
        The fields of a result in JSON. It computes nothing.
    report
        What the result adds to the report of the image.
    """

    query: type[Q]
    to_dict: Callable[[R, Q], dict[str, Any]] = lambda result, _: result.to_dict()
    report: Callable[[R, PreprocessingReport], PreprocessingReport] = lambda _, report: report


@dataclass(frozen=True)
class ParsedQuery(Generic[Q]):
    """What a query string asks of a network.

    Attributes
    ----------
    query
        The parameters.
    checkpoint
        Of the network that answers, as it expects images.
    question, size
        Of this network, and the bytes that its answering holds.
    fit, polarity
        How a picture becomes its image.
    """

    query: Q
    checkpoint: Checkpoint
    expected: Expected
    question: Question[Any]
    size: int
    fit: Fit
    polarity: Polarity


class Service:
    """What the requests of a worker share.

    Attributes
    ----------
    catalogue
        The networks.
    room, turns
        Of the worker.
    """

    def __init__(self, catalogue: Catalogue, waiting: int) -> None:
        self.catalogue = catalogue
        self.room, self.turns = Room(), Turns(waiting)
        # The same questions come again and again, and networks do not change while the service runs.
        self._asked = lru_cache(KNOWN)(self._ask)

    async def answer(self, request: Request, operation: Operation[Q, R]) -> Response:
        """Explain the image in a request. What can be refused without it is refused before the body is read."""
        asked: ParsedQuery[Q] = self._asked(operation.query, request.scope["query_string"])
        form = _form(asked.query, request)
        is_cheap = form is Format.JSON and asked.fit is Fit.EXACT and asked.question.is_cheap
        asker = Asker.of(request)
        if not is_cheap:
            self.turns.check(asker)
        reserved = Reservation(self.room, asker.address)
        try:
            with stopping_is_busy():
                data = await read_image(request, reserved)
                name = asked.checkpoint.name
                note(image=hashlib.sha256(data).hexdigest()[:16], bytes=len(data), model=name, form=form.value)

                def work() -> bytes:
                    with timed(request.scope["route"].path, form.value):
                        return _explained(operation, asked, data, form)

                if is_cheap and len(data) <= CHEAP_BYTES:
                    content = work()
                else:
                    content = await self.turns.run(work, asker, asked.size)
            return _answer(content, form, reserved)
        except BaseException:
            reserved.release()
            raise

    async def render(
        self, request: Request, fields: Callable[[], Any], draw: Callable[[Style], Canvas] | None = None
    ) -> Response:
        """Answer a request without an image, as JSON or, where it can be drawn, as a picture."""
        form: AnyFormat = Format.JSON
        if draw is None:
            pass
        else:
            query = parsed(PictureQuery, request.scope["query_string"])
            form = _form(query, request)

        def work() -> bytes:
            return to_json(fields()) if draw is None or form is Format.JSON else draw(query.style(form)).encode()

        asker = Asker.of(request)
        reserved = Reservation(self.room, asker.address)
        try:
            with stopping_is_busy():
                return _answer(await self.turns.run(work, asker), form, reserved)
        except BaseException:
            reserved.release()
            raise

    def _ask(self, model: type[Q], query_string: bytes) -> ParsedQuery[Q]:
        query = parsed(model, query_string)
        checkpoint = self.catalogue.get(query.model)
        expected = Expected.by(checkpoint)
        fit, polarity = expected.fit(query.fit), expected.ink(query.polarity)
        question = query.question(checkpoint.precise, self.catalogue.usage(checkpoint))
        return ParsedQuery(query, checkpoint, expected, question, question.cost.size, fit, polarity)


def service_of(request: Request) -> Service:
    """The service that a request is to."""
    service: Service = request.app.state.service
    return service


def parsed(model: type[P], query_string: bytes) -> P:
    """The parameters in a query string.

    Raises
    ------
    RequestValidationError, ParameterError
        One is unknown, wrong, or given twice.
    """
    given = QueryParams(query_string).multi_items()
    values = dict(given)
    if len(values) < len(given):
        for name in model.model_fields:
            if sum(name == one for one, _ in given) > 1:
                raise ParameterError(name, "must be given once")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong: list[dict[str, Any]] = []
        for one in error.errors(include_url=False, include_input=False):
            wrong.append({**one, "loc": ("query", *one["loc"])})
            if one["type"] == "extra_forbidden":
                wrong[-1]["msg"] = unknown_parameter(model.model_fields)
        raise RequestValidationError(wrong) from error


def _explained(operation: Operation[Q, R], asked: ParsedQuery[Q], data: bytes, form: AnyFormat) -> bytes:
    """The image in a file, explained: the bytes of the answer."""
    image, report = decode_image(data, asked.fit, asked.polarity, asked.expected)
    result: R = asked.question.answer(image)
    if form is not Format.JSON:
        return rendered(result, asked.query.style(form), html=form is GroundsFormat.HTML)
    fields = operation.to_dict(result, asked.query)
    return to_json({**fields, "input": operation.report(result, report), "model": reference(asked.checkpoint)})


def _form(query: PictureQuery, request: Request) -> AnyFormat:
    """The format of the answer; refuses parameters that it cannot honour."""
    form = choose(query.format, ", ".join(request.headers.getlist("accept")))
    query.check_form(form)
    return form


def _answer(content: bytes, form: AnyFormat, reserved: Reservation) -> Response:
    reserved.take(len(content))
    return ReservedResponse(content, media_type(form), reserved, headers_of(form))
