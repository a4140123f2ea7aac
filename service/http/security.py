"""API keys."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from konkyo.service.errors import UnauthorizedError
from konkyo.service.http.telemetry import note
from konkyo.service.settings import Settings

# The OpenAPI document contains the scheme, so that /docs can send a key.
_SCHEME = APIKeyHeader(
    name="X-API-Key", scheme_name="API key", description="Only if the service has keys.", auto_error=False
)


async def _check_key(request: Request, _: Annotated[str | None, Security(_SCHEME)]) -> None:
    check_key(request)


def check_key(request: Request) -> None:
    """Raise UnauthorizedError if the service has keys and the request has none of them. The log line names the key."""
    settings: Settings = request.app.state.settings
    if not settings.keys:
        return
    offered = request.headers.get(_SCHEME.model.name)
    # Compared in constant time, and with every key, so that the time does not reveal a key.
    matches = [hmac.compare_digest((offered or "").encode(), key.encode()) for key in settings.keys]
    if offered is None:
        raise UnauthorizedError("this service needs a key, in the header X-API-Key")
    if not any(matches):
        raise UnauthorizedError("the key in the header X-API-Key is not one of this service's keys")
    note(key=hashlib.sha256(offered.encode()).hexdigest()[:8])


KeyRequired = Depends(_check_key)

# The OpenAPI entry of operations that check the key without a dependency of FastAPI.
SECURITY: list[dict[str, list[str]]] = [{_SCHEME.scheme_name: []}]
