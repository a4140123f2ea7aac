"""Many images in one request: from its body to its answer, in pieces between which others have their turn."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fastapi import Request, Response
from pydantic_core import to_json

from konkyo.models import ties
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.tensors import TensorName, Tensors, numbers
from konkyo.service.errors import UnknownModelError, UnsupportedUploadError
from konkyo.service.http.answer import ReservedResponse
from konkyo.service.http.body import read
from konkyo.service.http.room import Reservation, stopping_is_busy
from konkyo.service.http.telemetry import EXPLANATION_SECONDS, note
from konkyo.service.http.turns import Asker
from konkyo.service.protocols.requests import Batch
from konkyo.service.routes.asking import service_of

# JSON is some five bytes a number: 1,024 images with three digits of each grey value.
MAX_BODY = 8 * 1024 * 1024
ADVICE = "send fewer images, or binary data: as UINT8 an image of 28×28 takes 784 bytes"
# Images that are explained at once at most, and the bytes that this holds, where one image does not hold more.
PIECE, PIECE_BYTES = 32, 16 * 2**20
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
    asker = Asker.of(request)
    service.turns.check(asker, batch=True)
    reserved = Reservation(service.room, asker.address)
    try:
        with stopping_is_busy():
            body = await read(request, reserved, MAX_BODY, ADVICE)
            note(bytes=len(body), model=checkpoint.name)
            # The work has it, and drops it when it is read.
            work = _Work(checkpoint, partial(parse, body), write, reserved)
            del body
            with service.turns.batch(asker):
                await service.turns.run(work.read, asker)
                await service.turns.run(work.explain, asker, work.size)
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
    """The two parts of one answer.

    Attributes
    ----------
    batch, size
        What the first part reads, and the bytes that the second one holds beside its room.
    written
        What the second part makes.
    seconds
        The processor's time of both.
    """

    batch: Batch
    written: Written
    size: int

    def __init__(self, checkpoint: Checkpoint, parse: Callable[[], Batch], write: Write, reserved: Reservation) -> None:
        self._checkpoint, self._parse, self._write, self._reserved = checkpoint, parse, write, reserved
        self.seconds = 0.0

    def read(self) -> None:
        """Read the tensors."""
        begun = time.thread_time()
        self.batch = batch = self._parse()
        del self._parse
        self._reserved.keep(batch.images.size)
        # The logits say what was predicted, whatever is asked for.
        names = dict.fromkeys((*batch.outputs, TensorName.LOGITS))
        network, count = self._checkpoint.precise, len(batch.images.values)
        self._reserved.take(numbers(network.architecture, names, count) * (NUMBER + WRITTEN))
        self._tensors = Tensors(network, names, count, batch.target)
        self._step = max(1, min(PIECE, count, PIECE_BYTES // self._tensors.size))
        self.size = self._step * self._tensors.size
        self.seconds += time.thread_time() - begun

    def explain(self) -> None:
        """Explain the images, some at once, and write the answer."""
        begun = time.thread_time()
        for start in range(0, len(self.batch.images.values), self._step):
            self._tensors.fill(start, self.batch.images.images(slice(start, start + self._step)))
        self.written = self._write(self._checkpoint, self.batch, self._tensors)
        self.seconds += time.thread_time() - begun


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
