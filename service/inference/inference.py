"""One request of an inference protocol, from its body to its answer, in pieces of work that others get in between."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import Depends, Request, Response

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Array
from konkyo.service.catalogue import Catalogue
from konkyo.service.errors import UnknownModelError, UnsupportedUploadError
from konkyo.service.handling.capacity import Capacity, stopping_is_busy
from konkyo.service.http.telemetry import EXPLANATION_SECONDS, note
from konkyo.service.http.uploads import in_time
from konkyo.service.inference.answer import JSON_LENGTH, Answer, model_version
from konkyo.service.inference.outputs import OUTPUTS, OutputName, compute
from konkyo.service.inference.question import Question

# JSON is some five bytes a number: 1,024 images with three digits of each grey value.
MAX_BODY = 8 * 1024 * 1024
# Images that are explained in one piece of work, and its multiply-adds: the longest takes some tenths of a second.
PIECE = 32
PIECE_WORK = 10**9

Parse = Callable[[bytes], Question]
Serialise = Callable[[Checkpoint, Question, Mapping[OutputName, Array]], Answer]


class Inference:
    """Answers one request, away from the event loop."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._catalogue: Catalogue = request.app.state.catalogue
        self._capacity: Capacity = request.app.state.capacity

    def checkpoint(self, name: str) -> Checkpoint:
        """The checkpoint of that name, and of the version in the path where there is one.

        Raises
        ------
        UnknownModelError
            No such name or version.
        """
        checkpoint = self._catalogue.get(name)
        if self._request.path_params.get("version") not in (None, model_version(checkpoint)):
            raise UnknownModelError(f"the model has no such version; it has {model_version(checkpoint)}")
        return checkpoint

    async def respond(self, checkpoint: Checkpoint, parse: Parse, serialise: Serialise) -> Response:
        """Explain the images in the request. What can be refused cheaply is refused before the body is read."""
        self._check_encoding()
        self._capacity.check()
        with self._capacity.body() as take, stopping_is_busy():
            async with in_time():
                body = await self._read(take)
            note(bytes=len(body), model=checkpoint.name)
            work = _Work(checkpoint, partial(parse, body), serialise)
            await self._capacity.run_all(work.pieces(), self._request.is_disconnected)
        answer, seconds = work.answer, work.seconds
        form = "json" if answer.json_length is None else "binary"
        EXPLANATION_SECONDS.labels(self._request.scope["route"].path, form).observe(seconds)
        note(images=len(work.question.images), form=form)
        if answer.json_length is None:
            return Response(answer.body, media_type="application/json")
        length = {JSON_LENGTH: str(answer.json_length)}
        return Response(answer.body, media_type="application/octet-stream", headers=length)

    async def _read(self, take: Callable[[int], None]) -> bytes:
        pieces = []
        async for piece in self._request.stream():
            take(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def _check_encoding(self) -> None:
        if self._request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedUploadError("send the body as it is, without a Content-Encoding")


class _Work:
    """The pieces of one answer, which come one after another.

    Attributes
    ----------
    question, answer
        What the first piece reads, and what the last one makes.
    seconds
        What all pieces took, without the waiting in between.
    """

    question: Question
    answer: Answer

    def __init__(self, checkpoint: Checkpoint, parse: Callable[[], Question], serialise: Serialise) -> None:
        self._checkpoint, self._parse, self._serialise = checkpoint, parse, serialise
        self._found: list[list[Array]] = []
        self.seconds = 0.0

    def pieces(self) -> Iterator[Callable[[], None]]:
        """The next piece is asked for when the one before it is done."""
        yield partial(self._timed, self._read)
        work = sum(OUTPUTS[name].work(self._checkpoint.network.architecture) for name in self._names)
        step = max(1, min(PIECE, PIECE_WORK // work))
        for start in range(0, len(self.question.images), step):
            yield partial(self._timed, partial(self._compute, slice(start, start + step)))
        yield partial(self._timed, self._write)

    @property
    def _names(self) -> list[OutputName]:
        # The logits say what was predicted, whatever is asked for.
        return list(dict.fromkeys((*self.question.outputs, OutputName.LOGITS)))

    def _timed(self, step: Callable[[], None]) -> None:
        started = time.perf_counter()
        step()
        self.seconds += time.perf_counter() - started

    def _read(self) -> None:
        self.question = self._parse()

    def _compute(self, which: slice) -> None:
        question = self.question
        self._found.append(compute(self._checkpoint.precise, question.images[which], self._names, question.target))

    def _write(self) -> None:
        tensors = dict(zip(self._names, map(np.concatenate, zip(*self._found, strict=True)), strict=True))
        self.answer = self._serialise(self._checkpoint, self.question, tensors)


async def _inference(request: Request) -> Inference:
    # A coroutine, although it waits for nothing: FastAPI would run a plain function in a thread.
    return Inference(request)


InferenceDependency = Annotated[Inference, Depends(_inference)]
