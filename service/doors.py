"""Who may come in: API keys, and the headers that keep a browser from misusing an answer."""

import hmac

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import UnauthorizedError
from service.settings import Settings

_HEADER = "X-API-Key"

# What a browser may do with an answer that is no page: nothing. The page and /docs say for themselves.
_DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_WITH_SCRIPTS = "/docs"


async def _check_key(request: Request) -> None:
    settings: Settings = request.app.state.settings
    if not settings.keys:
        return
    offered = request.headers.get(_HEADER, "").encode()
    # Every key is compared in full, so that the time taken tells nothing of them.
    matches = [hmac.compare_digest(offered, key.encode()) for key in settings.keys]
    if not any(matches):
        raise UnauthorizedError("this service needs a key, in the header X-API-Key")


KeyRequired = Depends(_check_key)


class SecurityHeadersMiddleware:
    """Adds the headers that an answer does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _DEFAULTS.items():
                    if name == "Content-Security-Policy" and scope["path"].startswith(_WITH_SCRIPTS):
                        continue
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
