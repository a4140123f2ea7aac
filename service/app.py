"""The application."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from models import __version__
from service import problems
from service.catalogue import Catalogue
from service.routes import filters, health, models, occlusion, predict, process
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
    # The documentation's scripts are served from here: /docs must work without the internet.
    app = FastAPIOffline(
        title="Konkyo",
        summary="Why did the network read this as a 5?",
        description=DESCRIPTION,
        version=__version__,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/static",
    )
    app.state.catalogue = Catalogue(settings.models, settings.default_model)
    problems.install(app)
    for module in (predict, filters, occlusion, process, models, health):
        app.include_router(module.router)
    return app
