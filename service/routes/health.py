"""``GET /healthz`` and ``GET /readyz``."""

from fastapi import APIRouter

from service.catalogue import CatalogueDependency
from service.documentation import responses
from service.schemas import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=responses("healthz"))
async def healthz() -> Health:
    """Is the process alive?"""
    return Health(status="alive")


@router.get("/readyz", responses=responses("readyz"))
async def readyz(catalogue: CatalogueDependency) -> Readiness:
    """Which checkpoints are loaded? All of them are before the first request is taken."""
    return Readiness(status="ready", models=list(catalogue.checkpoints))
