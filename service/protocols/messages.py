"""The messages of the inference protocols, as they stand in the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import MISSING, BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from konkyo.models.tensors import TensorName
from konkyo.service.protocols.tensors import MAX_IMAGES

INPUT = "images"
EXTENSIONS = ["binary_tensor_data"]


def _class(value: object) -> int | str:
    if type(value) is int or isinstance(value, str):
        return value
    raise PydanticCustomError("class", "must be the name of a class, or its number from 0")


# The name of a class as text, or its index as an integer. Of text that is both a name and a number the name counts.
Target = Annotated[int | str, PlainValidator(_class, json_schema_input_type=int | str)]
# A name is text in JSON, which strict validation would not take for one.
Name = Annotated[TensorName, Field(strict=False)]
Shape = Annotated[list[int], Field(min_length=2, max_length=4)]


class _Request(BaseModel):
    # Strict: a number is no text, and true is no number. What is misspelt is refused.
    model_config = ConfigDict(extra="forbid", strict=True)


class InputParameters(_Request):
    """How an input comes."""

    binary_data_size: int | MISSING = Field(
        MISSING, ge=0, description="Bytes of the tensor behind the JSON; instead of `data`."
    )


class InputTensor(_Request):
    """The images."""

    name: Literal["images"]
    datatype: Literal["FP32", "UINT8"] = Field(description="FP32 from 0 to 1, or UINT8 from 0 to 255.")
    shape: Shape = Field(
        description="[N, side, side] or [N, 1, side, side]; [N, 3, side, side] for a network that takes colour; or [N, "
        f"numbers of an image]. N is from 1 to {MAX_IMAGES}, fewer for images of more than 28×28 numbers."
    )
    parameters: InputParameters | MISSING = Field(MISSING)
    data: list[Any] | MISSING = Field(MISSING, description="The numbers, flat or nested as the shape, row by row.")


class OutputParameters(_Request):
    """How an output is wanted."""

    binary_data: bool | MISSING = Field(MISSING, description="Whether it comes as bytes behind the JSON.")


class RequestedOutput(_Request):
    """An output that is asked for."""

    name: Name
    parameters: OutputParameters | MISSING = Field(MISSING)


class RequestParameters(_Request):
    """What holds for the whole request."""

    binary_data_output: bool | MISSING = Field(
        MISSING, description="Whether outputs that do not say otherwise come as bytes."
    )
    target: Target | MISSING = Field(
        MISSING,
        description="The class that is explained, by name or number; if absent, the predicted one of each.",
    )


class InferRequest(_Request):
    """A request of the Open Inference Protocol."""

    id: str | MISSING = Field(MISSING, max_length=256, description="Comes back in the answer.")
    model_name: str | MISSING = Field(MISSING, description="Of the path; KServe's client repeats it here.")
    parameters: RequestParameters | MISSING = Field(MISSING)
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] | MISSING = Field(
        MISSING,
        max_length=len(TensorName),
        description="Absent or empty: all that the model gives but `interactions`, the expensive ones too.",
    )


class ExplainRequest(_Request):
    """A request of KServe's first protocol."""

    instances: list[list[Any]] = Field(
        min_length=1,
        max_length=MAX_IMAGES,
        description="Images: rows of numbers from 0 to 1, also as a channel of their own; of a network that takes "
        "colour, three such channels. Or all numbers of an image in one list.",
    )
    outputs: list[Name] | MISSING = Field(
        MISSING, max_length=len(TensorName), description="Absent or empty: all that the model gives but `interactions`."
    )
    target: Target | MISSING = Field(
        MISSING, description="The class to explain, by name or number; if absent, the predicted one of each."
    )


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """The process is alive."""

    live: Literal[True]


class ServerReady(BaseModel):
    """The service can answer; clients look for either of the two."""

    live: Literal[True]
    ready: Literal[True]


class ModelReady(BaseModel):
    """The model can answer."""

    name: str
    ready: Literal[True]


class TensorMetadata(BaseModel):
    """What a tensor looks like; −1 is the number of images."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str] = Field(description="One: the first twelve digits of the checkpoint's SHA-256.")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class BinaryParameters(BaseModel):
    """How an output comes."""

    binary_data_size: int = Field(ge=0, description="Bytes of the tensor behind the JSON.")


class OutputTensor(BaseModel):
    """An output."""

    name: TensorName
    datatype: Literal["FP64"]
    shape: list[int]
    parameters: BinaryParameters | MISSING = Field(MISSING)
    data: list[float] | MISSING = Field(MISSING, description="Flat, row by row; absent where it comes as bytes.")


class InferResponse(BaseModel):
    """An answer of the Open Inference Protocol."""

    model_name: str
    model_version: str
    id: str | MISSING = Field(MISSING, description="Of the request.")
    outputs: list[OutputTensor]


class ExplainResponse(BaseModel):
    """An answer of KServe's first protocol."""

    predictions: list[int] = Field(description="The predicted class of each instance.")
    explanations: list[dict[TensorName, list[Any]]] = Field(description="For each instance what was asked for.")
