"""``GET /models`` and ``GET /models/{name}``."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from service.catalogue import CatalogueDependency
from service.documentation import responses
from service.schemas import ModelList, ModelSummary

router = APIRouter(tags=["models"])


@router.get("/models", responses=responses("models"))
async def list_models(catalogue: CatalogueDependency) -> ModelList:
    """Which networks can be asked?"""
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


@router.get("/models/{name}", responses=responses("model", HTTPStatus.NOT_FOUND))
async def show_model(name: str, catalogue: CatalogueDependency) -> dict[str, Any]:
    """The model card: how the network was trained and chosen, and how well it reads."""
    return {**catalogue.get(name).card}
