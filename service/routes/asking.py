"""What all operations on a picture share: how a request becomes a question, and a drawing an answer."""

import hashlib
from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from PIL import Image
from pydantic import BaseModel

from models.checkpoint import Checkpoint
from models.errors import ParameterError
from models.usage import Usage
from service.capacity import Capacity
from service.catalogue import Catalogue
from service.errors import BusyError
from service.negotiation import MEDIA_TYPES, Format, choose
from service.observation import EXPLANATION_SECONDS, note
from service.overlays.canvas import Theme, png
from service.pictures import Grey, Receipt, read_digit
from service.schemas import ModelReference, PredictQuery
from service.uploads import read_upload


@dataclass(frozen=True)
class Question:
    """A picture, ready for the network that was asked for, and how to draw the answer.

    Attributes
    ----------
    image
        (28, 28) in [0, 1].
    usage
        The study of the checkpoint, where there is one.
    """

    image: Grey
    receipt: Receipt
    checkpoint: Checkpoint
    usage: Usage | None
    form: Format
    scale: int
    theme: Theme

    @property
    def reference(self) -> ModelReference:
        """Which network answers."""
        return ModelReference(name=self.checkpoint.name, sha256=self.checkpoint.sha256)


class Desk:
    """Where one request with a picture is taken and answered."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._catalogue: Catalogue = request.app.state.catalogue
        self._capacity: Capacity = request.app.state.capacity

    async def answer(self, query: PredictQuery, think: Callable[[Question], BaseModel | Image.Image]) -> Response:
        """Read the picture and have ``think`` answer, as JSON or as a drawing, away from the event loop.

        What can be refused cheaply is refused before the body is read.
        """
        try:
            return await self._answer(query, think)
        except CancelledError as error:
            # Nothing but the end of the process cancels a request: a client that leaves is noticed in another way.
            raise BusyError("the service is being stopped; try again in a second") from error

    async def _answer(self, query: PredictQuery, think: Callable[[Question], BaseModel | Image.Image]) -> Response:
        for name in type(query).model_fields:
            if len(self._request.query_params.getlist(name)) > 1:
                raise ParameterError(name, "must be given once")
        form = choose(query.format, ", ".join(self._request.headers.getlist("accept")))
        checkpoint = self._catalogue.get(query.model)
        usage = self._catalogue.usage(checkpoint)
        data = await read_upload(self._request)
        note(picture=hashlib.sha256(data).hexdigest()[:16], bytes=len(data), model=checkpoint.name, form=form.value)

        def work() -> bytes:
            image, receipt = read_digit(data, query.fit, query.polarity)
            question = Question(image, receipt, checkpoint, usage, form, query.scale, query.theme)
            result = think(question)
            if isinstance(result, Image.Image):
                return png(result)
            # Unset fields are those that were not asked for; a null is an answer.
            return result.model_dump_json(exclude_unset=True).encode()

        with EXPLANATION_SECONDS.labels(self._request.scope["route"].path, form.value).time():
            content = await self._capacity.run(work, self._request.is_disconnected)
        return Response(content, media_type=MEDIA_TYPES[form], headers={"Vary": "Accept"})


async def _desk(request: Request) -> Desk:
    # A coroutine, although it waits for nothing: FastAPI would run a plain function in a thread.
    return Desk(request)


DeskDependency = Annotated[Desk, Depends(_desk)]
