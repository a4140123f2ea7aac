"""``GET /healthz`` and ``GET /readyz``."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from service.catalogue import CatalogueDependency
from service.handling.openapi import responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"]


class Readiness(BaseModel):
    """The service can answer, with these models."""

    status: Literal["ready"]
    models: list[str]


@router.get("/healthz", responses=responses("healthz"), summary="Is the process alive?")
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health(status="alive")


@router.get("/readyz", responses=responses("readyz"), summary="Can it answer?")
async def readyz(catalogue: CatalogueDependency) -> Readiness:
    """The models that are loaded: all of them, before the first request is taken."""
    return Readiness(status="ready", models=list(catalogue.checkpoints))
