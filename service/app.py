"""The application."""

import gc
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from konkyo import __version__
from konkyo.service.catalogue import Catalogue
from konkyo.service.http import openapi, problems, telemetry
from konkyo.service.http.middleware import ServiceMiddleware
from konkyo.service.protocols import routes as protocols
from konkyo.service.protocols.messages import ExplainRequest, InferRequest
from konkyo.service.routes import (
    filters,
    grounds,
    health,
    models,
    occlusion,
    predict,
    process,
    shapley,
)
from konkyo.service.routes.asking import Service
from konkyo.service.settings import Settings
from konkyo.service.web import page

DESCRIPTION = """\
Upload an image, such as a digit of 28×28 pixels, and ask which class it is, how much each filter pair of the network
added to that answer, and which regions of the image it rests on. Every answer comes as JSON or, with `format=png`, as
a picture.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Raises
    ------
    CheckpointError
        A checkpoint is refused.
    """
    settings = settings or Settings()
    catalogue = Catalogue(settings.models, settings.default_model)
    app = _empty_app(settings.docs)
    app.state.settings = settings
    app.state.service = Service(catalogue, settings.max_waiting)
    telemetry.configure_logs()
    telemetry.announce({name: one.sha256 for name, one in catalogue.checkpoints.items()})
    problems.install(app)
    openapi.install(app, InferRequest, ExplainRequest, keyed=bool(settings.keys))
    app.add_middleware(ServiceMiddleware, hosts=settings.hosts, keys=settings.keys)
    questions = (predict, filters, occlusion, shapley, grounds, process)
    for module in (*questions, models):
        app.include_router(module.router, responses=openapi.shared_refusals())
    app.include_router(health.router, responses=openapi.shared_refusals(keyed=False))
    for router in (protocols.router, protocols.first):
        app.include_router(router, responses=openapi.shared_refusals(protocol=True))
    app.include_router(protocols.health, responses=openapi.shared_refusals(keyed=False, protocol=True))
    for module in (page, telemetry):
        app.include_router(module.router)
    return app


def create_worker_app() -> FastAPI:
    """``create_app`` for a worker, a process that does nothing else.

    What is there then stays, and is not looked through for garbage any more: each time all requests waited for 50 ms.
    """
    app = create_app()
    gc.collect()
    gc.freeze()
    return app


def _empty_app(docs: bool) -> FastAPI:
    about: dict[str, Any] = {
        "title": "Konkyo",
        "summary": "Why did the network predict a 5?",
        "description": DESCRIPTION,
        "redirect_slashes": False,
    }
    if not docs:
        return FastAPI(**about, version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    # The scripts of /docs are served from here, so that it works without the internet.
    return FastAPIOffline(**about, version=__version__, docs_url="/docs", redoc_url=None, static_url="/docs/static")
