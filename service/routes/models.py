"""``GET /models``, ``GET /models/{name}``, and its filters and weights."""

from http import HTTPStatus
from typing import Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import MISSING, BaseModel, ConfigDict, Field

from konkyo.models.activations import activation
from konkyo.models.architecture import MAX_HIDDEN, MAX_STAGES, SIDES, Architecture, Factor, Stage
from konkyo.models.classes import Names
from konkyo.models.errors import ParameterError
from konkyo.models.files.card import Card, HeadCard, Preprocessing, Share
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.filters.usage import Distinct, PlacedPair, Usage
from konkyo.models.hiding.cost import Limit, OperationName, explains
from konkyo.models.question import MOST_NUMBERS
from konkyo.service import drawing
from konkyo.service.catalogue import Search
from konkyo.service.http import openapi
from konkyo.service.routes.answers import Class, Kernels, Matrix, ModelReference, reference
from konkyo.service.routes.asking import service_of
from konkyo.service.routes.queries import NoQuery, PictureQuery, Region

router = APIRouter(tags=["models"])


class ImageShape(BaseModel):
    """The images that a network takes."""

    channels: Literal[1, 3] = Field(description="1 for grey images, 3 for colour.")
    side: int = Field(ge=SIDES[0], le=SIDES[-1], description="In pixels.")


class ModelSummary(BaseModel):
    """A network in the list."""

    name: str
    input: ImageShape
    stages: list[Stage] = Field(min_length=1, max_length=MAX_STAGES, description="From the image to the head.")
    head: HeadCard
    parameters: int = Field(ge=1)
    classes: list[str] = Field(description="The names of the classes, in the order of the logits.")
    dataset: str | None = Field(description="Name of the data set that it was trained or measured on; null if neither.")
    preprocessing: Preprocessing = Field(description="How a picture of any size becomes its image.")
    accuracy: Share | None = Field(description="Share of correctly predicted test images; null if not measured.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Explainable(BaseModel):
    """What can be asked of a network by one operation."""

    operation: OperationName
    region: Region | MISSING = Field(MISSING, description="The side of a region in pixels, if none is asked for.")
    regions: tuple[Region, ...] | MISSING = Field(
        MISSING,
        description="The sides with which every image is answered. Where hiding changes few regions, others may do.",
    )
    factor: Factor | MISSING = Field(
        MISSING,
        description="What splits an activation's output among the pairs: a `gate`, with which the parts are the "
        "network's local linear map, or the slope of a `secant`.",
    )
    cannot: tuple[Limit, ...] = Field(description="What cannot be asked.")


class ModelCard(Card):
    """The description of a checkpoint, with the hash of its file, and what can be asked of the network."""

    # An answer has every field.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    explains: tuple[Explainable, ...]


class ActivationSummary(BaseModel):
    """An activation that a stage or a head has."""

    words: str = Field(description="As people call it.")
    gate: bool = Field(description="Whether it splits its output by a gate; others by the slope of a secant.")
    curve: list[float] = Field(description="Its values at −4, −3.75, …, 4.")


class ModelList(BaseModel):
    """All networks that can be asked."""

    default: str
    models: list[ModelSummary]
    activations: dict[str, ActivationSummary] = Field(
        description="Those that these networks have, by the names that stages and heads have for them."
    )
    search: Search | None = Field(description="The trainer's search for the smallest network; null if there was none.")


class ClassFilterUsage(BaseModel):
    """Which filter pairs the network uses for a class, over images that it predicts correctly."""

    predicted: Class
    label: str = Field(description="Its name.")
    images: int = Field(ge=1, description="Number of images.")
    first: PlacedPair = Field(description="The pair that contributes most in the most images.")
    second: PlacedPair | None = Field(description="The next pair; null only where there is a single pair.")
    dominated: bool = Field(description="Whether the first contributes most in at least 90 % of the images.")
    firsts: list[list[int]] = Field(description="[map][filter]: images in which it contributes most.")
    mean: Matrix = Field(description="[map][filter]: mean contribution to the class's logit.")
    deviation: Matrix = Field(description="[map][filter]: its standard deviation.")


class FilterUsage(BaseModel):
    """The study of one network: the paper's Fig. 4 in numbers."""

    searched: int = Field(ge=1, description="Training images, from the first one on, that were searched.")
    per_class: int = Field(ge=1, description="Maximum number of images of a class.")
    distinct: Distinct = Field(description="Number of different combinations among the classes.")
    classes: list[ClassFilterUsage]


class StageFilters(BaseModel):
    """The filters of a stage."""

    shape: tuple[int, int, int, int] = Field(description="(filters, inputs, rows, columns).")
    filters: list[Kernels] = Field(
        description="[filter][input][row][column]: the weights; with paired wiring there is one input."
    )


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


class ModelFilters(BaseModel):
    """A network's filters, and which pairs of them it uses for which class."""

    stages: list[StageFilters] = Field(min_length=1, max_length=MAX_STAGES)
    usage: FilterUsage | None = Field(description="Null if the network has no study.")
    model: ModelReference


@router.get(
    "/models",
    dependencies=[NoQuery],
    responses=openapi.responses("models"),
    summary="Which networks can be asked?",
)
async def list_models(request: Request) -> ModelList:
    """All loaded networks, the default one, and the accuracy of the networks in the search for the smallest."""
    catalogue = service_of(request).catalogue
    return ModelList(
        default=catalogue.default,
        models=[_summary(checkpoint) for checkpoint in catalogue.checkpoints.values()],
        activations=_activations([one.network.architecture for one in catalogue.checkpoints.values()]),
        search=catalogue.search,
    )


@router.get(
    "/models/{name}",
    dependencies=[NoQuery],
    responses=openapi.responses("model", HTTPStatus.NOT_FOUND),
    summary="How was it trained, and how accurate is it?",
)
async def show_model(name: str, request: Request) -> ModelCard:
    """The model card: recipe, seeds, choice, accuracy for each class, confusion matrix, hash; and what can be asked."""
    return _card(service_of(request).catalogue.get(name))


@router.get(
    "/models/{name}/filters",
    responses=openapi.with_picture(
        "model-filters", HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.SERVICE_UNAVAILABLE
    ),
    openapi_extra={"parameters": openapi.parameters(PictureQuery)},
    response_model=ModelFilters,
    summary="Which filters does it have, and which pairs does it use for which class?",
)
async def show_filters(name: str, request: Request) -> Response:
    """For each class: over 1,000 correctly predicted training images, in how many each pair contributes most, and how
    much it contributes on average. The picture frames first place red and second place blue, as the paper's Fig. 4.
    """
    service = service_of(request)
    checkpoint = service.catalogue.get(name)
    usage = service.catalogue.usage(checkpoint)
    return await service.render(
        request,
        lambda: _filters(checkpoint, usage),
        lambda style: drawing.usage(name, checkpoint.network, usage, style),
    )


@router.get(
    "/models/{name}/weights",
    dependencies=[NoQuery],
    responses=openapi.responses("model-weights", HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    response_model=ModelWeights,
    summary="Which weights does it have?",
)
async def show_weights(name: str, request: Request) -> Response:
    """The weights and biases of every layer, as the checkpoint has them. The example has only the first entry of each
    list of lists.
    """
    service = service_of(request)
    checkpoint = service.catalogue.get(name)
    if checkpoint.card.parameters > MOST_NUMBERS:
        raise ParameterError(
            "name",
            f"the network has {checkpoint.card.parameters:,} weights, and an answer has at most {MOST_NUMBERS:,} "
            "numbers; its checkpoint is a safetensors file, which any language reads",
        )
    return await service.render(request, lambda: _weights(checkpoint))


def _summary(checkpoint: Checkpoint) -> ModelSummary:
    card, shape = checkpoint.card, checkpoint.network.architecture
    return ModelSummary(
        name=checkpoint.name,
        input=ImageShape(channels=shape.channels, side=shape.side),
        stages=list(shape.stages),
        head=card.head,
        parameters=card.parameters,
        classes=list(card.classes),
        dataset=card.dataset and card.dataset.name,
        preprocessing=card.preprocessing,
        accuracy=card.accuracy and card.accuracy.test,
        sha256=checkpoint.sha256,
    )


def _card(checkpoint: Checkpoint) -> ModelCard:
    found = tuple(
        Explainable(
            operation=one.operation,
            region=MISSING if one.region is None else one.region,
            regions=MISSING if one.region is None else one.regions,
            factor=MISSING if one.factor is None else one.factor,
            cannot=one.cannot,
        )
        for one in explains(checkpoint.network.architecture)
    )
    return ModelCard(**dict(checkpoint.card), explains=found)


def _activations(architectures: list[Architecture]) -> dict[str, ActivationSummary]:
    stages = [stage for one in architectures for stage in one.stages]
    names = {name for stage in stages for name in (stage.activation, stage.after)}
    names |= {one.activation for one in architectures if one.hidden}
    places = np.linspace(-4, 4, 33)
    each = {name: activation(name) for name in sorted(names)}
    return {
        name: ActivationSummary(words=one.words, gate=one.gate, curve=one(places.copy()).tolist())
        for name, one in each.items()
    }


def _filters(checkpoint: Checkpoint, usage: Usage | None) -> ModelFilters:
    network = checkpoint.precise
    each = [network.kernels(number) for number in range(len(network.architecture.stages))]
    return ModelFilters(
        stages=[StageFilters(shape=weights.shape, filters=weights.tolist()) for weights in each],
        usage=usage and _usage(usage, checkpoint.network.classes),
        model=ModelReference(**reference(checkpoint)),
    )


def _usage(usage: Usage, classes: Names) -> FilterUsage:
    each = [
        ClassFilterUsage(
            predicted=number,
            label=classes[number],
            images=one.images,
            first=one.first,
            second=one.second,
            dominated=one.dominated,
            firsts=one.firsts.tolist(),
            mean=one.mean.tolist(),
            deviation=one.deviation.tolist(),
        )
        for number, one in enumerate(usage.classes)
    ]
    return FilterUsage(searched=usage.searched, per_class=usage.per_class, distinct=usage.distinct, classes=each)


def _weights(checkpoint: Checkpoint) -> ModelWeights:
    network = checkpoint.precise
    weights, shape = network.weights, network.architecture
    return ModelWeights(
        stages=[
            StageWeights(filters=network.kernels(number).tolist(), bias=network.bias(number).tolist())
            for number in range(len(shape.stages))
        ],
        head=[
            AffineWeights(weights=weights[f"{name}.weight"].tolist(), bias=weights[f"{name}.bias"].tolist())
            for name, *_ in shape.head
        ],
        model=ModelReference(**reference(checkpoint)),
    )
