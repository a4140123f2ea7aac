"""From a request's body to the question in it: both protocols, in JSON, the Open Inference Protocol in bytes too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import MISSING, ValidationError
from pydantic_core import from_json

from konkyo.models.classes import Names, find
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array
from konkyo.service.errors import MalformedUploadError
from konkyo.service.inference.messages import (
    ExplainRequest,
    InferRequest,
    InputTensor,
    RequestParameters,
)
from konkyo.service.inference.outputs import OUTPUTS, OutputName
from konkyo.service.inference.tensors import MAX_IMAGES, PIXELS, check_shape, from_bytes, from_numbers

# What a document of the most images holds, and some more: so that no other is built in memory.
_MOST_NUMBERS = MAX_IMAGES * PIXELS + 4096
_MOST_LISTS = MAX_IMAGES * 29 + 4096
# A request has some twenty fields. Each that it does not have takes a kilobyte of complaints.
_MOST_FIELDS = 1000

M = TypeVar("M", InferRequest, ExplainRequest)


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    images
        (N, 28, 28) in [0, 1], in float64.
    outputs
        The tensors, each with whether it is wanted in bytes.
    target
        The class that is explained; None is the predicted one of each image.
    id
        What the client calls the request.
    """

    images: Array
    outputs: dict[OutputName, bool]
    target: int | None
    id: str | None = None


def infer_question(body: bytes, json_length: str | None, model: str, classes: Names) -> Question:
    """The question in a request of the Open Inference Protocol.

    Parameters
    ----------
    body
        JSON, and behind it the bytes of the tensor where it comes as bytes.
    json_length
        The header that says where the JSON ends; None if there is no such header.
    model
        The name in the path.
    classes
        The classes of that model.

    Raises
    ------
    MalformedUploadError
        No JSON, or an end of it that cannot be.
    RequestValidationError, ParameterError
        A field is wrong.
    """
    end = _json_length(json_length, len(body))
    request = _validated(InferRequest, body[:end])
    if request.model_name not in (MISSING, model):
        raise ParameterError("model_name", "must be the model of the path, or be left out")
    [tensor] = request.inputs
    images = _images(tensor, body[end:], json_length is not None)
    parameters = RequestParameters() if request.parameters is MISSING else request.parameters
    in_bytes = parameters.binary_data_output is True
    outputs: dict[OutputName, bool] = {}
    for number, one in enumerate([] if request.outputs is MISSING else request.outputs):
        if one.name in outputs:
            raise ParameterError(f"outputs.{number}.name", "must be named once")
        said = MISSING if one.parameters is MISSING else one.parameters.binary_data
        outputs[one.name] = in_bytes if said is MISSING else said
    target = None if parameters.target is MISSING else find("parameters.target", parameters.target, classes)
    _check_target("parameters.target", target, outputs)
    return Question(
        images, outputs or dict.fromkeys(OutputName, in_bytes), target, None if request.id is MISSING else request.id
    )


def explain_question(body: bytes, classes: Names) -> Question:
    """The question in a request of KServe's first protocol.

    Raises
    ------
    MalformedUploadError
        No JSON.
    RequestValidationError, ParameterError
        A field is wrong.
    """
    request = _validated(ExplainRequest, body)
    count = len(request.instances)
    shape = [count, PIXELS] if len(request.instances[0]) == PIXELS else [count, 28, 28]
    images = from_numbers("instances", request.instances, shape, "FP32")
    outputs = {} if request.outputs is MISSING else dict.fromkeys(request.outputs, False)
    target = None if request.target is MISSING else find("target", request.target, classes)
    _check_target("target", target, outputs)
    return Question(images, outputs or dict.fromkeys(OutputName, False), target)


def _json_length(declared: str | None, length: int) -> int:
    if declared is None:
        return length
    if not (declared.isascii() and declared.isdigit() and len(declared) < 10 and 0 < int(declared) <= length):
        raise MalformedUploadError(
            "the header Inference-Header-Content-Length must be the length of the JSON at the start of the body, "
            f"from 1 to the body's {length} bytes"
        )
    return int(declared)


def _validated(message: type[M], text: bytes) -> M:
    if text.count(b",") > _MOST_NUMBERS or text.count(b"[") + text.count(b"{") > _MOST_LISTS:
        raise ParameterError("body", f"must hold at most {MAX_IMAGES} images of {PIXELS} numbers")
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
        place, message = item["loc"], item["msg"]
        if item["type"] == "extra_forbidden":
            place, message = place[:-1], "holds a field that it does not have; /docs shows those it has"
        elif item["type"] == "missing":
            message = "is missing"
        yield {"type": "wrong_field", "loc": ("body", ".".join(map(str, place)) or "body"), "msg": message}


def _images(tensor: InputTensor, behind: bytes, is_announced: bool) -> Array:
    check_shape("inputs.0.shape", tensor.shape)
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
        return from_bytes("inputs.0.parameters.binary_data_size", behind, tensor.shape, tensor.datatype)
    if behind:
        raise MalformedUploadError(f"there are {len(behind)} bytes behind the JSON that no input asks for")
    data = [] if tensor.data is MISSING else tensor.data
    return from_numbers("inputs.0.data", data, tensor.shape, tensor.datatype)


def _check_target(parameter: str, target: int | None, outputs: dict[OutputName, bool]) -> None:
    """A class that nothing of what is asked for explains would be ignored."""
    if target is not None and outputs and not any(OUTPUTS[name].explains for name in outputs):
        names = [name for name, one in OUTPUTS.items() if one.explains]
        raise ParameterError(parameter, f"is for {', '.join(names)}; ask for one of them too, or leave it out")
