"""``GET /models`` and ``GET /models/{name}``."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from service.catalogue import CatalogueDependency
from service.documentation import responses
from service.doors import KeyRequired
from service.schemas import ModelList, ModelSummary

router = APIRouter(tags=["models"], dependencies=[KeyRequired])


@router.get("/models", responses=responses("models", HTTPStatus.UNAUTHORIZED), summary="Which networks can be asked?")
async def list_models(catalogue: CatalogueDependency) -> ModelList:
    """All checkpoints that are loaded, and the one that answers when none is named."""
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
    )


@router.get(
    "/models/{name}",
    responses=responses("model", HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
    summary="How was it trained, and how well does it read?",
)
async def show_model(name: str, catalogue: CatalogueDependency) -> dict[str, Any]:
    """The model card: recipe, seeds tried, choice, accuracy for each class, confusion matrix, hash."""
    return {**catalogue.get(name).card}
