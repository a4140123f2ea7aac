"""From a request's body to what it asks: both protocols, in JSON, the Open Inference Protocol in bytes too."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import MISSING, ValidationError
from pydantic_core import from_json

from konkyo.models.architecture import Architecture
from konkyo.models.classes import find
from konkyo.models.errors import ParameterError, complaint
from konkyo.models.network import Network
from konkyo.models.tensors import TENSORS, TensorName, usual
from konkyo.service.errors import MalformedUploadError
from konkyo.service.protocols.messages import (
    ExplainRequest,
    InferRequest,
    InputTensor,
    RequestParameters,
)
from konkyo.service.protocols.tensors import Images, Pixels, from_bytes, from_numbers

# Beside the most images a document may hold so many numbers and lists: so that no larger one is built in memory.
_BESIDE = 4096
# Numbers of an answer at most.
MOST_ANSWER = 2**20
# A request has some twenty fields. Each that it does not have takes a kilobyte of complaints.
_MOST_FIELDS = 1000

M = TypeVar("M", InferRequest, ExplainRequest)


@dataclass(frozen=True)
class Batch:
    """Images of a request, and what is asked of them.

    Attributes
    ----------
    images
        (N, side, side), or (N, 3, side, side) in colour.
    outputs
        The tensors, each with whether it is wanted in bytes.
    target
        The class that is explained; None is the predicted one of each image.
    id
        What the client calls the request.
    """

    images: Pixels
    outputs: dict[TensorName, bool]
    target: int | None
    id: str | None = None


def infer_batch(body: bytes, json_length: str | None, model: str, network: Network) -> Batch:
    """What a request of the Open Inference Protocol asks.

    Parameters
    ----------
    body
        JSON, and behind it the bytes of the tensor where it comes as bytes.
    json_length
        The header that says where the JSON ends; None if there is no such header.
    model
        The name in the path.
    network
        Of that model.

    Raises
    ------
    MalformedUploadError
        No JSON, or an end of it that cannot be.
    RequestValidationError, ParameterError
        A field is wrong.
    """
    end = _json_length(json_length, len(body))
    kind = Images.of(network.architecture)
    request = _validated(InferRequest, body[:end], kind)
    if request.model_name not in (MISSING, model):
        raise ParameterError("model_name", "must be the model of the path, or be left out")
    [tensor] = request.inputs
    images = _images(tensor, memoryview(body)[end:], json_length is not None, kind)
    parameters = RequestParameters() if request.parameters is MISSING else request.parameters
    in_bytes = parameters.binary_data_output is True
    outputs: dict[TensorName, bool] = {}
    for number, one in enumerate([] if request.outputs is MISSING else request.outputs):
        if one.name in outputs:
            raise ParameterError(f"outputs.{number}.name", "must be named once")
        _check_given(f"outputs.{number}.name", one.name, network.architecture)
        said = MISSING if one.parameters is MISSING else one.parameters.binary_data
        outputs[one.name] = in_bytes if said is MISSING else said
    target = None if parameters.target is MISSING else find("parameters.target", parameters.target, network.classes)
    _check_target("parameters.target", target, outputs)
    outputs = outputs or dict.fromkeys(usual(network.architecture), in_bytes)
    _check_answer(len(images.values), outputs, network.architecture)
    return Batch(images, outputs, target, None if request.id is MISSING else request.id)


def explain_batch(body: bytes, network: Network) -> Batch:
    """What a request of KServe's first protocol asks.

    Raises
    ------
    MalformedUploadError
        No JSON.
    RequestValidationError, ParameterError
        A field is wrong.
    """
    kind = Images.of(network.architecture)
    request = _validated(ExplainRequest, body, kind)
    count = len(request.instances)
    if count > kind.most:
        raise ParameterError("instances", f"must hold at most {kind.most} images of {kind.numbers} numbers")
    shape = next((one for one in kind.shapes if one[0] == len(request.instances[0])), [*kind.shape])
    images = from_numbers("instances", request.instances, [count, *shape], "FP32").of_shape(kind.shape)
    outputs = {} if request.outputs is MISSING else dict.fromkeys(request.outputs, False)
    for number, name in enumerate([] if request.outputs is MISSING else request.outputs):
        _check_given(f"outputs.{number}", name, network.architecture)
    target = None if request.target is MISSING else find("target", request.target, network.classes)
    _check_target("target", target, outputs)
    outputs = outputs or dict.fromkeys(usual(network.architecture), False)
    _check_answer(count, outputs, network.architecture)
    return Batch(images, outputs, target)


def _json_length(declared: str | None, length: int) -> int:
    if declared is None:
        return length
    if not (declared.isascii() and declared.isdigit() and len(declared) < 10 and 0 < int(declared) <= length):
        raise MalformedUploadError(
            "the header Inference-Header-Content-Length must be the length of the JSON at the start of the body, "
            f"from 1 to the body's {length} bytes"
        )
    return int(declared)


def _validated(message: type[M], text: bytes, kind: Images) -> M:
    numbers, lists = kind.most * kind.numbers + _BESIDE, kind.most * kind.lists + _BESIDE
    if text.count(b",") > numbers or text.count(b"[") + text.count(b"{") > lists:
        raise ParameterError("body", f"must hold at most {kind.most} images of {kind.numbers} numbers")
    if text.count(b":") > _MOST_FIELDS:
        raise ParameterError("body", f"must hold at most {_MOST_FIELDS:,} fields; /docs shows those that it has")
    try:
        document = from_json(text)
    except ValueError as error:
        raise MalformedUploadError("the body must be a JSON object; /docs shows its fields") from error
    try:
        return message.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(list(_complaints(error))) from error


def _complaints(error: ValidationError) -> Iterator[dict[str, Any]]:
    """As FastAPI has them. A field that there is not is the client's text, so the place around it is named."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        place, message = item["loc"], complaint(item)
        if item["type"] == "extra_forbidden":
            place, message = place[:-1], "holds a field that it does not have; /docs shows those it has"
        yield {"type": "wrong_field", "loc": ("body", ".".join(map(str, place)) or "body"), "msg": message}


def _images(tensor: InputTensor, behind: memoryview, is_announced: bool, kind: Images) -> Pixels:
    kind.check("inputs.0.shape", tensor.shape)
    parameters = tensor.parameters
    size = MISSING if parameters is MISSING else parameters.binary_data_size
    if (size is MISSING) == (tensor.data is MISSING):
        raise ParameterError("inputs.0", "must have either data, or binary_data_size and the bytes behind the JSON")
    if size is not MISSING:
        if not is_announced:
            raise MalformedUploadError("bytes behind the JSON need the header Inference-Header-Content-Length")
        if size != len(behind):
            raise ParameterError(
                "inputs.0.parameters.binary_data_size", f"must be the {len(behind)} bytes behind the JSON"
            )
        name = "inputs.0.parameters.binary_data_size"
        return from_bytes(name, behind, tensor.shape, tensor.datatype).of_shape(kind.shape)
    if behind:
        raise MalformedUploadError(f"there are {len(behind)} bytes behind the JSON that no input asks for")
    data = [] if tensor.data is MISSING else tensor.data
    return from_numbers("inputs.0.data", data, tensor.shape, tensor.datatype).of_shape(kind.shape)


def _check_given(parameter: str, name: TensorName, architecture: Architecture) -> None:
    """An output that the network cannot give."""
    missing = TENSORS[name].missing(architecture)
    if missing is not None:
        raise ParameterError(parameter, f"{name} is not given of this network: {missing}")


def _check_answer(count: int, outputs: dict[TensorName, bool], architecture: Architecture) -> None:
    """An answer that would be too large."""
    numbers = sum(prod(TENSORS[name].shape(architecture)) for name in outputs)
    if count * numbers > MOST_ANSWER:
        raise ParameterError(
            "outputs",
            f"hold {numbers:,} numbers for each image, and an answer has at most {MOST_ANSWER:,}; send at most "
            f"{MOST_ANSWER // numbers} images, or ask for fewer outputs",
        )


def _check_target(parameter: str, target: int | None, outputs: dict[TensorName, bool]) -> None:
    """A class that nothing of what is asked for explains would be ignored."""
    if target is not None and outputs and not any(TENSORS[name].explains for name in outputs):
        names = [name for name, one in TENSORS.items() if one.explains]
        raise ParameterError(parameter, f"is for {', '.join(names)}; ask for one of them too, or leave it out")
