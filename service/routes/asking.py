"""What all operations on a picture share: how a request becomes a question, and a drawing an answer."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from PIL import Image
from pydantic import BaseModel

from models.checkpoint import Checkpoint
from service.catalogue import Catalogue
from service.negotiation import MEDIA_TYPES, Format, choose
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
    """

    image: Grey
    receipt: Receipt
    checkpoint: Checkpoint
    form: Format
    scale: int
    theme: Theme

    @property
    def reference(self) -> ModelReference:
        """Which network answers."""
        return ModelReference(name=self.checkpoint.name, sha256=self.checkpoint.sha256)


async def answer(
    request: Request,
    query: PredictQuery,
    catalogue: Catalogue,
    think: Callable[[Question], BaseModel | Image.Image],
) -> Response:
    """Read the picture and have ``think`` answer, as JSON or as a drawing, away from the event loop.

    What can be refused cheaply is refused before the body is read.
    """
    form = choose(query.format, request.headers.get("accept"))
    checkpoint = catalogue.get(query.model)
    data = await read_upload(request)

    def work() -> bytes:
        image, receipt = read_digit(data, query.fit, query.polarity)
        question = Question(image, receipt, checkpoint, form, query.scale, query.theme)
        result = think(question)
        # Unset fields are those that were not asked for; a null is an answer.
        return png(result) if isinstance(result, Image.Image) else result.model_dump_json(exclude_unset=True).encode()

    content = await run_in_threadpool(work)
    return Response(content, media_type=MEDIA_TYPES[form], headers={"Vary": "Accept"})
