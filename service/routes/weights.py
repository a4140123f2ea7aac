"""``GET /models/{name}/weights``."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konkyo.models.classes import FEWEST, MOST
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.service.catalogue import CatalogueDependency
from konkyo.service.handling.answers import Matrix, ModelReference, PerClass
from konkyo.service.handling.openapi import responses
from konkyo.service.http.no_query import NoQuery
from konkyo.service.http.security import KeyRequired

router = APIRouter(tags=["models"], dependencies=[KeyRequired, NoQuery])

_PerClassMaps = Annotated[list[list[Matrix]], Field(min_length=FEWEST, max_length=MOST)]


class ModelWeights(BaseModel):
    """All weights of a network: with them and `POST /explain/process` each step can be computed by hand."""

    conv1_filters: list[Matrix] = Field(description="[conv1 filter][row][column].")
    conv1_bias: list[float] = Field(description="[conv1 filter].")
    conv2_filters: list[list[Matrix]] = Field(
        description="[conv2 filter][input][row][column]; with paired wiring there is one input."
    )
    conv2_bias: list[float] = Field(description="[conv2 filter]; zeros if the network has none.")
    affine: _PerClassMaps = Field(description="[class][map of pool2][row][column].")
    class_bias: PerClass
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
    side = shape.pool2_side
    return ModelWeights(
        conv1_filters=weights["conv1.weight"][:, 0].tolist(),
        conv1_bias=weights["conv1.bias"].tolist(),
        conv2_filters=weights["conv2.weight"].tolist(),
        conv2_bias=network.bias(1).tolist(),
        affine=weights["affine.weight"].reshape(shape.classes, shape.maps, side, side).tolist(),
        class_bias=weights["affine.bias"].tolist(),
        model=ModelReference.of(checkpoint),
    )
