"""``/v2``: the Open Inference Protocol, with its extension for tensors in bytes."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response

from konkyo import __version__
from konkyo.service.handling import openapi
from konkyo.service.http.no_query import NoQuery
from konkyo.service.http.security import KeyRequired
from konkyo.service.inference import messages
from konkyo.service.inference.answer import JSON_LENGTH, infer_answer, model_version
from konkyo.service.inference.inference import MAX_BODY, InferenceDependency
from konkyo.service.inference.messages import InferRequest, InferResponse, ModelMetadata, TensorMetadata
from konkyo.service.inference.outputs import OUTPUTS, available
from konkyo.service.inference.question import infer_question

_LOOKUP = openapi.protocol_refusals(HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY)
_MODEL = openapi.protocol_refusals(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)

# Whether the service is alive and ready is asked by who has no key.
health = APIRouter(prefix="/v2/health", tags=["inference"])
router = APIRouter(prefix="/v2", tags=["inference"], dependencies=[KeyRequired, NoQuery])


@health.get("/live", summary="Is the process alive?")
async def server_live() -> messages.ServerLive:
    """Answers as long as the process does."""
    return messages.ServerLive(live=True)


@health.get("/ready", summary="Can it answer?")
async def server_ready() -> messages.ServerReady:
    """All models are loaded before the first request is taken."""
    return messages.ServerReady(live=True, ready=True)


@router.get("", responses=_LOOKUP, summary="Which server is it, and what does it know beyond the protocol?")
async def server_metadata() -> messages.ServerMetadata:
    """`binary_tensor_data`: tensors may come and go as bytes behind the JSON, as Triton's documentation describes."""
    return messages.ServerMetadata(name="konkyo", version=__version__, extensions=messages.EXTENSIONS)


@router.get("/models/{name}", responses=_MODEL, summary="Which tensors does a model take and give?")
@router.get("/models/{name}/versions/{version}", include_in_schema=False)
async def model_metadata(name: str, inference: InferenceDependency) -> ModelMetadata:
    """Also at `/v2/models/{name}/versions/{version}`, which is there as long as the weights are the same."""
    checkpoint = inference.checkpoint(name)
    shape = checkpoint.network.architecture
    return ModelMetadata(
        name=checkpoint.name,
        versions=[model_version(checkpoint)],
        platform="numpy",
        inputs=[TensorMetadata(name=messages.INPUT, datatype="FP32", shape=[-1, *shape.image_shape])],
        outputs=[
            TensorMetadata(name=name, datatype="FP64", shape=[-1, *OUTPUTS[name].shape(shape)])
            for name in available(shape)
        ],
    )


@router.get("/models/{name}/ready", responses=_MODEL, summary="Can a model answer?")
@router.get("/models/{name}/versions/{version}/ready", include_in_schema=False)
async def model_ready(name: str, inference: InferenceDependency) -> messages.ModelReady:
    """Also at `/v2/models/{name}/versions/{version}/ready`."""
    return messages.ModelReady(name=inference.checkpoint(name).name, ready=True)


@router.post(
    "/models/{name}/infer",
    max_body_size=MAX_BODY,
    response_model=InferResponse,
    summary="Predict and explain many images, as tensors.",
    **openapi.protocol_operation(InferRequest, in_bytes=True),
)
@router.post("/models/{name}/versions/{version}/infer", max_body_size=MAX_BODY, include_in_schema=False)
async def infer(
    name: str,
    inference: InferenceDependency,
    json_length: Annotated[str | None, Header(alias=JSON_LENGTH, description="Where the JSON ends.")] = None,
) -> Response:
    """Up to 1,024 images of 28×28, or as many numbers in larger ones, in a body of up to 8 MiB. Outputs are FP64, N
    images along their first axis: `logits` and `probabilities` [N, classes]; of the predicted class, or of `target`,
    `contributions` [N, maps, filters], `occlusion` and `shapley` [N, rows, columns] of the regions that a network's
    answers have if nothing else is asked for. The model's metadata has their shapes, and lacks what it cannot give.
    Name the outputs: without names all are computed. Also at `/v2/models/{name}/versions/{version}/infer`.
    """
    checkpoint = inference.checkpoint(name)
    parse = partial(infer_question, json_length=json_length, model=checkpoint.name, network=checkpoint.network)
    return await inference.respond(checkpoint, parse, infer_answer)
