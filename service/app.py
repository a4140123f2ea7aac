"""The application."""

from typing import Any

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.middleware.trustedhost import TrustedHostMiddleware

from models import __version__
from service import observation, problems
from service.capacity import Capacity
from service.catalogue import Catalogue
from service.doors import KeyRequired, SecurityHeadersMiddleware
from service.head import HeadMiddleware
from service.routes import filters, health, models, occlusion, page, predict, process
from service.settings import Settings

DESCRIPTION = """\
Upload a 28×28 picture of a digit and ask what it is, how much each filter pair of the network added to that answer,
and which regions of the picture it rests on. Every answer comes as JSON or, with `format=png`, as a picture.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Raises
    ------
    CheckpointError
        A checkpoint is refused: nothing is served rather than something wrong.
    """
    settings = settings or Settings()
    app = _empty_app(settings.docs)
    app.state.settings = settings
    app.state.catalogue = Catalogue(settings.models, settings.default_model)
    app.state.capacity = Capacity(settings.max_waiting)
    observation.configure_logs()
    observation.announce(app.state.catalogue)
    problems.install(app)
    _install_middleware(app, settings)
    for module in (predict, filters, occlusion, process, models, health, page):
        app.include_router(module.router)
    return app


def _empty_app(docs: bool) -> FastAPI:
    about: dict[str, Any] = {
        "title": "Konkyo",
        "summary": "Why did the network read this as a 5?",
        "description": DESCRIPTION,
        "redirect_slashes": False,
    }
    if not docs:
        return FastAPI(**about, version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    # The documentation's scripts are served from here: /docs must work without the internet.
    return FastAPIOffline(**about, version=__version__, docs_url="/docs", redoc_url=None, static_url="/docs/static")


def _install_middleware(app: FastAPI, settings: Settings) -> None:
    """From the inside out: each one sees what those before it answered."""
    Instrumentator(should_group_status_codes=False, excluded_handlers=["/metrics"]).instrument(app).expose(
        app, include_in_schema=False, dependencies=[KeyRequired]
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False)
    app.add_middleware(problems.PlainRefusalMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(observation.LogMiddleware)
    app.add_middleware(CorrelationIdMiddleware)
