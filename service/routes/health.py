"""``GET /healthz`` and ``GET /readyz``."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from konkyo.service.http.openapi import responses
from konkyo.service.routes.asking import service_of

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"]


class Readiness(BaseModel):
    """The service is ready to answer."""

    status: Literal["ready"]
    models: list[str]


@router.get("/healthz", responses=responses("healthz"), summary="Is the process alive?")
async def healthz() -> Health:
    """Answers while the process runs."""
    return Health(status="alive")


@router.get("/readyz", responses=responses("readyz"), summary="Can it answer?")
async def readyz(request: Request) -> Readiness:
    """The loaded models. All are loaded before the first request."""
    return Readiness(status="ready", models=list(service_of(request).catalogue.checkpoints))
