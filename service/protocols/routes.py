"""``/v2``, the Open Inference Protocol with its extension for tensors in bytes, and ``/v1``, KServe's first one."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from konkyo import __version__
from konkyo.models.tensors import TENSORS, available
from konkyo.service.http import openapi
from konkyo.service.protocols import messages
from konkyo.service.protocols.batches import (
    JSON_LENGTH,
    answer,
    checkpoint_of,
    explain_answer,
    infer_answer,
    model_version,
)
from konkyo.service.protocols.messages import (
    ExplainRequest,
    ExplainResponse,
    InferRequest,
    InferResponse,
    ModelMetadata,
    TensorMetadata,
)
from konkyo.service.protocols.requests import explain_batch, infer_batch
from konkyo.service.routes.queries import NoQuery

_MODEL = openapi.protocol_refusals(HTTPStatus.NOT_FOUND)

health = APIRouter(prefix="/v2/health", tags=["inference"])
router = APIRouter(prefix="/v2", tags=["inference"], dependencies=[NoQuery])
first = APIRouter(prefix="/v1", tags=["inference"], dependencies=[NoQuery])


@health.get("/live", summary="Is the process alive?")
async def server_live() -> messages.ServerLive:
    """Answers as long as the process does."""
    return messages.ServerLive(live=True)


@health.get("/ready", summary="Can it answer?")
async def server_ready() -> messages.ServerReady:
    """All models are loaded before the first request is taken."""
    return messages.ServerReady(live=True, ready=True)


@router.get("", summary="Which server is it, and what does it know beyond the protocol?")
async def server_metadata() -> messages.ServerMetadata:
    """`binary_tensor_data`: tensors may come and go as bytes behind the JSON, as Triton's documentation describes."""
    return messages.ServerMetadata(name="konkyo", version=__version__, extensions=messages.EXTENSIONS)


@router.get("/models/{name}", responses=_MODEL, summary="Which tensors does a model take and give?")
@router.get("/models/{name}/versions/{version}", include_in_schema=False)
async def model_metadata(name: str, request: Request) -> ModelMetadata:  # noqa: ARG001
    """Also at `/v2/models/{name}/versions/{version}`, which is there as long as the weights are the same."""
    checkpoint = checkpoint_of(request)
    shape = checkpoint.network.architecture
    return ModelMetadata(
        name=checkpoint.name,
        versions=[model_version(checkpoint)],
        platform="numpy",
        inputs=[TensorMetadata(name=messages.INPUT, datatype="FP32", shape=[-1, *shape.image_shape])],
        outputs=[
            TensorMetadata(name=one, datatype="FP64", shape=[-1, *TENSORS[one].shape(shape)])
            for one in available(shape)
        ],
    )


@router.get("/models/{name}/ready", responses=_MODEL, summary="Can a model answer?")
@router.get("/models/{name}/versions/{version}/ready", include_in_schema=False)
async def model_ready(name: str, request: Request) -> messages.ModelReady:  # noqa: ARG001
    """Also at `/v2/models/{name}/versions/{version}/ready`."""
    return messages.ModelReady(name=checkpoint_of(request).name, ready=True)


@router.post(
    "/models/{name}/infer",
    response_model=InferResponse,
    summary="Predict and explain many images, as tensors.",
    **openapi.protocol_operation(InferRequest, in_bytes=True),
)
@router.post("/models/{name}/versions/{version}/infer", include_in_schema=False)
async def infer(
    name: str,
    request: Request,
    json_length: Annotated[str | None, Header(alias=JSON_LENGTH, description="Where the JSON ends.")] = None,
) -> Response:
    """Up to 1,024 images of 28×28, or as many numbers in larger ones, in a body of up to 8 MiB. Outputs are FP64, N
    images along their first axis: `logits` and `probabilities` [N, classes]; of the predicted class, or of `target`,
    `contributions` [N, maps, filters], `occlusion` and `shapley` [N, rows, columns] of the regions that a network's
    answers have if nothing else is asked for, and `interactions` [N, regions, regions]. The model's metadata has their
    shapes, and lacks what it cannot give. Name the outputs: without names all but `interactions` are computed. Also at
    `/v2/models/{name}/versions/{version}/infer`.
    """
    network = checkpoint_of(request).network
    parse = partial(infer_batch, json_length=json_length, model=name, network=network)
    return await answer(request, parse, infer_answer)


@first.post(
    "/models/{name}:explain",
    response_model=ExplainResponse,
    summary="Explain many images, as KServe's first protocol has it.",
    **openapi.protocol_operation(ExplainRequest),
)
async def explain(name: str, request: Request) -> Response:  # noqa: ARG001
    """The same outputs as those of `/v2/models/{name}/infer`, image by image."""
    parse = partial(explain_batch, network=checkpoint_of(request).network)
    return await answer(request, parse, explain_answer)
