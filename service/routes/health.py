"""``GET /healthz`` and ``GET /readyz``."""

from fastapi import APIRouter

from service.catalogue import CatalogueDependency
from service.documentation import responses
from service.schemas import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=responses("healthz"), summary="Is the process alive?")
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health(status="alive")


@router.get("/readyz", responses=responses("readyz"), summary="Can it answer?")
async def readyz(catalogue: CatalogueDependency) -> Readiness:
    """The models that are loaded: all of them, before the first request is taken."""
    return Readiness(status="ready", models=list(catalogue.checkpoints))
