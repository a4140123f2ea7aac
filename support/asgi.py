"""Requests to an ASGI application without a server."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import anyio

Receive = Callable[[], Awaitable[dict[str, Any]]]
PNG = (b"content-type", b"image/png")


def scope(path: str, headers: Sequence[tuple[bytes, bytes]], query: bytes = b"") -> dict[str, Any]:
    """Of a POST, with these headers beside Host."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def sends(pieces: Iterable[bytes], *, whole: bool = True, leaves: bool = False) -> Receive:
    """What a client gives that sends these pieces.

    Parameters
    ----------
    whole
        Whether they are the whole body.
    leaves
        Whether it is gone after them.
    """
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if left:
            piece = left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(left) or not whole}
        if not leaves:
            await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    return receive


async def ask(
    app: Any, path: str, receive: Receive, headers: Sequence[tuple[bytes, bytes]] = (PNG,), query: bytes = b""
) -> tuple[int, bytes]:
    """The status and the body of the answer to a POST."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with anyio.fail_after(60):
        await app(scope(path, headers, query), receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)
