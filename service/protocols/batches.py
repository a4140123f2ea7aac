"""Many images in one request: from its body to its answer, in pieces between which others have their turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fastapi import Request, Response
from pydantic_core import to_json

from konkyo.models import ties
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.question import TensorName, Tensors, numbers
from konkyo.service.errors import UnknownModelError, UnsupportedUploadError
from konkyo.service.http.answer import ReservedResponse
from konkyo.service.http.body import read
from konkyo.service.http.room import Reservation, stopping_is_busy
from konkyo.service.http.telemetry import EXPLANATION_SECONDS, note
from konkyo.service.protocols.requests import Batch
from konkyo.service.routes.asking import service_of

# JSON is some five bytes a number: 1,024 images with three digits of each grey value.
MAX_BODY = 8 * 1024 * 1024
ADVICE = "send fewer images, or binary data: as UINT8 an image of 28×28 takes 784 bytes"
# Images that are explained in one piece of work, and its multiply-adds: the longest takes some tenths of a second.
PIECE, PIECE_WORK = 32, 10**9
# Bytes of a number in a tensor, and of one in JSON.
NUMBER, WRITTEN = 8, 20

JSON_LENGTH = "Inference-Header-Content-Length"

Parse = Callable[[bytes], Batch]
Write = Callable[[Checkpoint, Batch, Tensors], "Written"]


@dataclass(frozen=True)
class Written:
    """A body, and the length of the JSON in it where bytes follow."""

    body: bytes
    json_length: int | None = None


def checkpoint_of(request: Request) -> Checkpoint:
    """The checkpoint of the name in the path, and of its version where there is one.

    Raises
    ------
    UnknownModelError
        No such name or version.
    """
    checkpoint = service_of(request).catalogue.get(request.path_params["name"])
    if request.path_params.get("version") not in (None, model_version(checkpoint)):
        raise UnknownModelError(f"the model has no such version; it has {model_version(checkpoint)}")
    return checkpoint


def model_version(checkpoint: Checkpoint) -> str:
    """A model's one version: other weights are another."""
    return checkpoint.sha256[:12]


async def answer(request: Request, parse: Parse, write: Write) -> Response:
    """Explain the images in a request. What can be refused cheaply is refused before the body is read."""
    service, checkpoint = service_of(request), checkpoint_of(request)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedUploadError("send the body as it is, without a Content-Encoding")
    service.turns.check(batch=True)
    reserved = Reservation(service.room)
    try:
        with stopping_is_busy():
            body = await read(request, reserved, MAX_BODY, ADVICE)
            note(bytes=len(body), model=checkpoint.name)
            work = _Work(checkpoint, partial(parse, body), write, reserved)
            # The work has it, and drops it when it is read.
            del body
            await service.turns.run_all(work.pieces(), request.is_disconnected)
        form = "json" if work.written.json_length is None else "binary"
        EXPLANATION_SECONDS.labels(request.scope["route"].path, form).observe(work.seconds)
        note(images=len(work.batch.images.values), form=form)
        if work.written.json_length is None:
            return ReservedResponse(work.written.body, "application/json", reserved)
        headers = {JSON_LENGTH: str(work.written.json_length)}
        return ReservedResponse(work.written.body, "application/octet-stream", reserved, headers)
    except BaseException:
        reserved.release()
        raise


class _Work:
    """The pieces of one answer, which come one after another.

    Attributes
    ----------
    batch, written
        What the first piece reads, and what the last one makes.
    seconds
        What all pieces took, without the waiting in between.
    """

    batch: Batch
    written: Written

    def __init__(self, checkpoint: Checkpoint, parse: Callable[[], Batch], write: Write, reserved: Reservation) -> None:
        self._checkpoint, self._parse, self._write, self._reserved = checkpoint, parse, write, reserved
        self.seconds = 0.0

    def pieces(self) -> Iterator[Callable[[], None]]:
        """The next piece is asked for when the one before it is done."""
        yield partial(self._timed, self._read)
        self._reserved.keep(self.batch.images.size)
        count = len(self.batch.images.values)
        # The logits say what was predicted, whatever is asked for.
        names = dict.fromkeys((*self.batch.outputs, TensorName.LOGITS))
        network = self._checkpoint.precise
        self._reserved.take(numbers(network.architecture, names, count) * (NUMBER + WRITTEN))
        tensors = Tensors(network, names, count, self.batch.target)
        step = max(1, min(PIECE, PIECE_WORK // tensors.work))
        for start in range(0, count, step):
            images = partial(self.batch.images.images, slice(start, start + step))
            yield partial(self._timed, partial(_fill, tensors, start, images))
        yield partial(self._timed, partial(self._finish, tensors))

    def _timed(self, step: Callable[[], None]) -> None:
        started = time.perf_counter()
        step()
        self.seconds += time.perf_counter() - started

    def _read(self) -> None:
        self.batch = self._parse()
        del self._parse

    def _finish(self, tensors: Tensors) -> None:
        self.written = self._write(self._checkpoint, self.batch, tensors)


def _fill(tensors: Tensors, start: int, images: Callable[[], Any]) -> None:
    tensors.fill(start, images())


def infer_answer(checkpoint: Checkpoint, batch: Batch, tensors: Tensors) -> Written:
    """The answer of the Open Inference Protocol."""
    outputs: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for name, in_bytes in batch.outputs.items():
        tensor = np.ascontiguousarray(tensors.found[name], "<f8")
        output: dict[str, Any] = {"name": name, "datatype": "FP64", "shape": tensor.shape}
        if in_bytes:
            behind.append(tensor.tobytes())
            output["parameters"] = {"binary_data_size": tensor.nbytes}
        else:
            output["data"] = tensor.ravel().tolist()
        outputs.append(output)
    head = {"model_name": checkpoint.name, "model_version": model_version(checkpoint)}
    if batch.id is not None:
        head["id"] = batch.id
    text = to_json({**head, "outputs": outputs})
    return Written(b"".join([text, *behind]), len(text) if behind else None)


def explain_answer(_: Checkpoint, batch: Batch, tensors: Tensors) -> Written:
    """The answer of KServe's first protocol: what was asked for, image by image."""
    columns = [tensors.found[name].tolist() for name in batch.outputs]
    explanations = [dict(zip(batch.outputs, row, strict=True)) for row in zip(*columns, strict=True)]
    predictions = ties.predicted(tensors.found[TensorName.LOGITS]).tolist()
    return Written(to_json({"predictions": predictions, "explanations": explanations}))
