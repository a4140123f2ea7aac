"""API keys."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from konkyo.service.errors import UnauthorizedError
from konkyo.service.http.telemetry import note

HEADER = b"x-api-key"
# Whether the service is alive, what it looks like and how it is asked, is no secret: the page asks for the key itself.
_PUBLIC = ("/", "/healthz", "/readyz", "/openapi.json", "/docs")
_PUBLIC_FOLDERS = ("/web/", "/docs/", "/v2/health/")

_SCHEME = "API key"
# For the OpenAPI document, so that /docs can send a key.
SCHEMES: dict[str, Any] = {
    _SCHEME: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "One of the service's keys.",
    }
}
SECURITY: list[dict[str, list[str]]] = [{_SCHEME: []}]


def is_public(path: str) -> bool:
    """Whether a path is answered without a key."""
    return path in _PUBLIC or path.startswith(_PUBLIC_FOLDERS)


def check_key(keys: Sequence[str], path: str, headers: Mapping[bytes, bytes]) -> UnauthorizedError | None:
    """Why a request has no right to an answer; None if it has. The log line names its key by a short hash."""
    if not keys or is_public(path):
        return None
    offered = headers.get(HEADER)
    # Compared in constant time, and with every key, so that the time does not reveal a key.
    matches = [hmac.compare_digest(offered or b"", key.encode()) for key in keys]
    if offered is None:
        return UnauthorizedError("this service needs a key, in the header X-API-Key")
    if not any(matches):
        return UnauthorizedError("the key in the header X-API-Key is not one of this service's keys")
    note(key=hashlib.sha256(offered).hexdigest()[:8])
    return None
