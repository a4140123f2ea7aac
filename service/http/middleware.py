"""The middleware of all requests.

It adds the request id and the security headers to every answer, including that of an unexpected error. All its tasks
are in one class because each request runs through it: separate middlewares take seven times as long.
"""

import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from konkyo.models.errors import KonkyoError, ParameterError
from konkyo.service.errors import UnknownHostError
from konkyo.service.http import problems
from konkyo.service.http.headers import NOSNIFF, POLICY, REFERRER
from konkyo.service.http.security import check_key
from konkyo.service.http.telemetry import REQUEST_SECONDS, REQUESTS, log, new_facts

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_UUID = re.compile(rb"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_PORT = re.compile(r":\d*$")

# /docs contains an inline script, and images in its styles.
_DOCS = "/docs"
_DOCS_POLICY = (b"content-security-policy", b"frame-ancestors 'none'")

# Limits of a query string. Validating longer ones would delay other requests.
MAX_QUERY = 2048
MAX_PARAMETERS = 32


class ServiceMiddleware:
    """Request id, host and key, HEAD, security headers, metrics, log line, and problems for unexpected errors.

    Parameters
    ----------
    app
        The application.
    hosts
        Trusted host names; ``*`` is any, ``*.example.org`` any subdomain.
    keys
        One of which a request must have; without any, none.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], keys: Sequence[str]) -> None:
        self.app = app
        self._keys = keys
        self._hosts = None if "*" in hosts else tuple(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        facts = new_facts()
        headers = dict(scope["headers"])
        offered = headers.get(b"x-request-id", b"")
        request_id = offered if _UUID.fullmatch(offered) else uuid4().hex.encode()
        is_head = scope["method"] == "HEAD"
        # HEAD is answered as GET without the body (RFC 9110, 9.1).
        inner = {**scope, "method": "GET"} if is_head else scope
        status = 0

        async def send_completed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_missing(scope, message), (b"x-request-id", request_id)]
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if refusal := self._refusal(scope, headers):
                await problems.of_domain(refusal, scope["path"])(scope, receive, send_completed)
            elif not scope["path"].isprintable():
                # Two parsers read a control character differently; no path of ours has one.
                await problems.of_status(HTTPStatus.NOT_FOUND, path=scope["path"])(scope, receive, send_completed)
            else:
                await self.app(inner, receive, send_completed)
        except Exception:
            log.exception("failed", request_id=request_id.decode())
            if status:
                raise
            await problems.unexpected(scope["path"])(scope, receive, send_completed)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(inner.get("route"), "path", None)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(route or "none", method, status).inc()
            REQUEST_SECONDS.labels(route or "none").observe(seconds)
            log.info(
                "answered",
                **facts,
                request_id=request_id.decode(),
                method=method,
                # The route, since the path is text of the client's.
                route=route,
                status=status,
                milliseconds=round(seconds * 1e3, 2),
            )

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> KonkyoError | None:
        """The error of several hosts or an untrusted one, of a query string beyond the limits, or of a key, if any."""
        if len(headers) < len(scope["headers"]) and [name for name, _ in scope["headers"]].count(b"host") > 1:
            return UnknownHostError("the request has several Host headers; one is right")
        if self._hosts is not None:
            host = _PORT.sub("", headers.get(b"host", b"").decode("latin-1")).lower()
            if not any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self._hosts):
                return UnknownHostError("the Host header names a host that this service does not answer for")
        query = scope["query_string"]
        if len(query) > MAX_QUERY or query.count(b"&") >= MAX_PARAMETERS:
            limits = f"must hold at most {MAX_PARAMETERS} parameters in {MAX_QUERY} bytes"
            return ParameterError("query", f"{limits}; /docs shows those that an operation has")
        return check_key(self._keys, scope["path"], headers)


def _missing(scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
    """The security headers that an answer lacks."""
    present = {name.lower() for name, _ in message["headers"]}
    policy = _DOCS_POLICY if scope["path"].startswith(_DOCS) else POLICY
    return [header for header in (NOSNIFF, REFERRER, policy) if header[0] not in present]
