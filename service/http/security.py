"""API keys: who may ask."""

import hmac
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from service.errors import UnauthorizedError
from service.settings import Settings

# The scheme stands in the OpenAPI document, so that /docs can send a key.
_SCHEME = APIKeyHeader(
    name="X-API-Key", scheme_name="API key", description="Only where the service was given keys.", auto_error=False
)


async def _check_key(request: Request, _: Annotated[str | None, Security(_SCHEME)]) -> None:
    check_key(request)


def check_key(request: Request) -> None:
    """Raise UnauthorizedError unless the request carries one of the service's keys, if it has any."""
    settings: Settings = request.app.state.settings
    if not settings.keys:
        return
    offered = request.headers.get(_SCHEME.model.name)
    # Every key is compared in full, so that the time taken tells nothing of them.
    matches = [hmac.compare_digest((offered or "").encode(), key.encode()) for key in settings.keys]
    if offered is None:
        raise UnauthorizedError("this service needs a key, in the header X-API-Key")
    if not any(matches):
        raise UnauthorizedError("the key in the header X-API-Key is not one of this service's keys")


KeyRequired = Depends(_check_key)

# For operations that check the key themselves: what FastAPI would write of the dependency.
SECURITY: list[dict[str, list[str]]] = [{_SCHEME.scheme_name: []}]
