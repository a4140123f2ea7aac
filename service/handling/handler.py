"""From a request with an image to its answer: the same four steps for every operation.

request → image and preprocessing report → explain → Result → JSON or picture
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from PIL import Image
from pydantic import BaseModel, ValidationError

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array, Network
from konkyo.models.result import Result
from konkyo.models.usage import Usage
from konkyo.service.catalogue import Catalogue
from konkyo.service.drawing.primitives.encoding import png
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.handling.answers import ModelReference
from konkyo.service.handling.capacity import Capacity, stopping_is_busy
from konkyo.service.handling.queries import ImageQuery, PictureQuery
from konkyo.service.http.negotiation import MEDIA_TYPES, Format, choose
from konkyo.service.http.security import check_key
from konkyo.service.http.telemetry import EXPLANATION_SECONDS, note
from konkyo.service.http.uploads import read_upload
from konkyo.service.imaging.decoding import PreprocessingReport, decode_image
from konkyo.service.imaging.expected import Expected, Fit

# Larger files take longer to decode than a cheap answer takes to compute.
CHEAP_BYTES = 8 * 1024
# Multiply-adds that take less than a millisecond, and rows of layers that are gathered in as much.
CHEAP_WORK = 8 * 10**6
CHEAP_ROWS = 8000

P = TypeVar("P", bound=PictureQuery)
Q = TypeVar("Q", bound=ImageQuery)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Subject:
    """The network and the image that an operation explains.

    Attributes
    ----------
    network
        In float64.
    image
        (side, side) in [0, 1], or (3, side, side) for a network that takes colour; in float64.
    usage
        The study of the network, if any.
    target, versus
        The numbers of the class to explain and of the class to compare with, if they are asked for.
    """

    network: Network
    image: Array
    usage: Usage | None
    target: int | None = None
    versus: int | None = None


@dataclass(frozen=True)
class Envelope:
    """The fields of every answer beside the result."""

    input: PreprocessingReport
    model: ModelReference


@dataclass(frozen=True)
class Operation(Generic[Q, R]):
    """One operation on an image.

    Attributes
    ----------
    query
        The model of its query parameters.
    explain
        Computes the result.
    serialise, draw
        Render the result as JSON and as a picture. Neither computes anything.
    is_cheap
        Whether the JSON answer of such a network takes less than a millisecond for every image. It is then computed in
        the event loop, without a thread and without waiting in the queue.
    """

    query: type[Q]
    explain: Callable[[Subject, Q], R]
    serialise: Callable[[R, Q, Envelope], BaseModel]
    draw: Callable[[R, Style], Image.Image]
    is_cheap: Callable[[Q, Architecture], bool] = lambda *_: False


def passes_cheaply(_: ImageQuery, architecture: Architecture) -> bool:
    """Whether a forward pass is cheap."""
    return architecture.multiply_adds <= CHEAP_WORK


class Handler:
    """Answers one request. Routes make it themselves, since dependencies of FastAPI would delay each request.

    Raises
    ------
    UnauthorizedError
        The request has no key, or a wrong one.
    """

    def __init__(self, request: Request) -> None:
        check_key(request)
        self._request = request
        self._catalogue: Catalogue = request.app.state.catalogue
        self._capacity: Capacity = request.app.state.capacity

    async def respond(self, operation: Operation[Q, R]) -> Response:
        """Explain the image in the request. The query, the model and the queue are checked before the body is read."""
        query = self._query(operation.query)
        form = self._form(query)
        checkpoint = self._catalogue.get(query.model)
        target, versus = query.question(checkpoint.network.classes)
        query.check(checkpoint.network)
        expected = Expected.by(checkpoint)
        fit, polarity = expected.fit(query.fit), expected.ink(query.polarity)
        cheap = form is Format.JSON and fit is Fit.EXACT and operation.is_cheap(query, checkpoint.network.architecture)
        if not cheap:
            self._capacity.check()
        with stopping_is_busy():
            data = await read_upload(self._request)
        note(image=hashlib.sha256(data).hexdigest()[:16], bytes=len(data), model=checkpoint.name, form=form.value)

        def work() -> bytes:
            with EXPLANATION_SECONDS.labels(self._request.scope["route"].path, form.value).time():
                image, report = decode_image(data, fit, polarity, expected)
                subject = Subject(checkpoint.precise, image, self._catalogue.usage(checkpoint), target, versus)
                result = operation.explain(subject, query)
                if form is Format.PNG:
                    return png(operation.draw(result, query.style))
                answer = operation.serialise(result, query, Envelope(report, ModelReference.of(checkpoint)))
                return answer.model_dump_json().encode()

        if cheap and len(data) <= CHEAP_BYTES:
            return _response(form, work())
        return await self._compute(form, work)

    async def render(self, serialise: Callable[[], BaseModel], draw: Callable[[Style], Image.Image]) -> Response:
        """Answer a request without an image."""
        query = self._query(PictureQuery)
        form = self._form(query)

        def work() -> bytes:
            return png(draw(query.style)) if form is Format.PNG else serialise().model_dump_json().encode()

        return await self._compute(form, work)

    def _query(self, model: type[P]) -> P:
        """Validate the query parameters. This takes a tenth of the time that FastAPI takes."""
        given = self._request.query_params.multi_items()
        values = dict(given)
        if len(values) < len(given):
            for name in model.model_fields:
                if sum(name == one for one, _ in given) > 1:
                    raise ParameterError(name, "must be given once")
        try:
            return model.model_validate(values)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in wrong]) from error

    def _form(self, query: PictureQuery) -> Format:
        """The format of the answer; refuses parameters that it cannot honour."""
        form = choose(query.format, ", ".join(self._request.headers.getlist("accept")))
        query.check_form(form)
        return form

    async def _compute(self, form: Format, work: Callable[[], bytes]) -> Response:
        with stopping_is_busy():
            content = await self._capacity.run(work, self._request.is_disconnected)
        return _response(form, content)


def _response(form: Format, content: bytes) -> Response:
    return Response(content, media_type=MEDIA_TYPES[form], headers={"Vary": "Accept"})
