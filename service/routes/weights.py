"""``GET /models/{name}/weights``."""

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konkyo.models.architecture import MAX_HIDDEN, MAX_STAGES
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.service.catalogue import CatalogueDependency
from konkyo.service.handling.answers import Kernels, Matrix, ModelReference
from konkyo.service.handling.openapi import responses
from konkyo.service.http.no_query import NoQuery
from konkyo.service.http.security import KeyRequired

router = APIRouter(tags=["models"], dependencies=[KeyRequired, NoQuery])


class StageWeights(BaseModel):
    """The weights of a stage."""

    filters: list[Kernels] = Field(description="[filter][input][row][column]; with paired wiring there is one input.")
    bias: list[float] = Field(description="[filter]; zeros if the stage has none.")


class AffineWeights(BaseModel):
    """The weights of an affine layer."""

    weights: Matrix = Field(
        description="[output][input]. The inputs of the first layer are the cells of the last stage, map by map, row "
        "by row."
    )
    bias: list[float] = Field(description="[output].")


class ModelWeights(BaseModel):
    """All weights of a network: with them and `POST /explain/process` each step can be computed by hand."""

    stages: list[StageWeights] = Field(min_length=1, max_length=MAX_STAGES, description="From the image to the head.")
    head: list[AffineWeights] = Field(
        min_length=1, max_length=MAX_HIDDEN + 1, description="The hidden layers first, that of the classes last."
    )
    model: ModelReference


@router.get(
    "/models/{name}/weights",
    responses=responses(
        "model-weights", HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
    ),
    summary="Which weights does it have?",
)
async def show_weights(name: str, catalogue: CatalogueDependency) -> ModelWeights:
    """The weights and biases of every layer, as the checkpoint has them. The example has only the first entry of each
    list of lists.
    """
    return _weights(catalogue.get(name))


def _weights(checkpoint: Checkpoint) -> ModelWeights:
    network = checkpoint.precise
    weights, shape = network.weights, network.architecture
    return ModelWeights(
        stages=[
            StageWeights(filters=weights[f"conv{number + 1}.weight"].tolist(), bias=network.bias(number).tolist())
            for number in range(len(shape.stages))
        ],
        head=[
            AffineWeights(weights=weights[f"{name}.weight"].tolist(), bias=weights[f"{name}.bias"].tolist())
            for name, *_ in shape.head
        ],
        model=ModelReference.of(checkpoint),
    )
