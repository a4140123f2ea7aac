"""``GET /models``, ``GET /models/{name}`` and ``GET /models/{name}/filters``."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from models.checkpoint import Checkpoint
from models.usage import Usage
from service import overlays
from service.capacity import Capacity
from service.catalogue import CatalogueDependency
from service.documentation import drawn, responses
from service.doors import KeyRequired
from service.negotiation import MEDIA_TYPES, Format, choose
from service.overlays.canvas import png
from service.schemas import (
    ClassFilterUsage,
    DrawingQuery,
    FilterUsage,
    ModelFilters,
    ModelList,
    ModelReference,
    ModelSummary,
)

router = APIRouter(tags=["models"], dependencies=[KeyRequired])


@router.get("/models", responses=responses("models", HTTPStatus.UNAUTHORIZED), summary="Which networks can be asked?")
async def list_models(catalogue: CatalogueDependency) -> ModelList:
    """All checkpoints that are loaded, the one that answers when none is named, and how well smaller networks read."""
    return ModelList(
        default=catalogue.default,
        models=[
            ModelSummary(
                name=checkpoint.name,
                architecture=checkpoint.card["architecture"],
                parameters=checkpoint.card["parameters"],
                accuracy=checkpoint.card["accuracy"]["test"],
                sha256=checkpoint.sha256,
            )
            for checkpoint in catalogue.checkpoints.values()
        ],
        search=catalogue.search,
    )


@router.get(
    "/models/{name}",
    responses=responses("model", HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
    summary="How was it trained, and how well does it read?",
)
async def show_model(name: str, catalogue: CatalogueDependency) -> dict[str, Any]:
    """The model card: recipe, seeds tried, choice, accuracy for each class, confusion matrix, hash."""
    return {**catalogue.get(name).card}


@router.get(
    "/models/{name}/filters",
    responses=drawn(
        "model-filters",
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    response_model=ModelFilters,
    summary="Which filters does it have, and which pairs does it use for which digit?",
)
async def show_filters(
    name: str, query: Annotated[DrawingQuery, Query()], request: Request, catalogue: CatalogueDependency
) -> Response:
    """For each class: over 1,000 correctly predicted training images, in how many each pair contributes most, and
    how much it contributes on average. The PNG frames first place red, second place blue, as the paper's Fig. 4 does.
    """
    form = choose(query.format, ", ".join(request.headers.getlist("accept")))
    checkpoint = catalogue.get(name)
    usage = catalogue.usage(checkpoint)

    def work() -> bytes:
        if form is Format.PNG:
            return png(overlays.usage(name, checkpoint.network, usage, scale=query.scale, theme=query.theme))
        return _filters(checkpoint, usage).model_dump_json().encode()

    capacity: Capacity = request.app.state.capacity
    content = await capacity.run(work, request.is_disconnected)
    return Response(content, media_type=MEDIA_TYPES[form], headers={"Vary": "Accept"})


def _filters(checkpoint: Checkpoint, usage: Usage | None) -> ModelFilters:
    conv1, conv2 = checkpoint.precise.weights["conv1.weight"][:, 0], checkpoint.precise.weights["conv2.weight"]
    return ModelFilters(
        conv1_shape=conv1.shape,
        conv1_filters=conv1.tolist(),
        conv2_shape=conv2.shape,
        conv2_filters=conv2.tolist(),
        usage=usage and _usage(usage),
        model=ModelReference(name=checkpoint.name, sha256=checkpoint.sha256),
    )


def _usage(usage: Usage) -> FilterUsage:
    classes = [
        ClassFilterUsage(
            digit=digit,
            images=one.images,
            first=one.first,
            second=one.second,
            dominated=one.dominated,
            firsts=one.firsts.tolist(),
            mean=one.mean.tolist(),
            deviation=one.deviation.tolist(),
        )
        for digit, one in enumerate(usage.classes)
    ]
    return FilterUsage(searched=usage.searched, per_class=usage.per_class, distinct=usage.distinct, classes=classes)
