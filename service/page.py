"""``GET /`` and ``GET /web/…``: the page, and what it is made of."""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

WEB = Path(__file__).parent / "web"
PAGE = "index.html"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}

# The page talks to this service and to nobody else, and runs no script but its own files. These headers are the page's
# alone: /docs brings an inline script.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Asked about each time, and answered with 304: a new version is never mixed with an old one.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class File:
    """One file of the page, in memory, with its validator."""

    content: bytes
    media_type: str
    tag: str


def _read() -> dict[str, File]:
    """All files of the page by their path: a path that is not among them cannot reach the disk."""
    files = {}
    for path in sorted(WEB.rglob("*")):
        if path.suffix in MEDIA_TYPES:
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            files[path.relative_to(WEB).as_posix()] = File(content, MEDIA_TYPES[path.suffix], tag)
    return files


FILES = _read()

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page."""
    return _answer(request, PAGE)


@router.api_route("/web/{path:path}", methods=["GET", "HEAD"])
async def part(request: Request, path: str) -> Response:
    """A script, a style or a picture of the page."""
    return _answer(request, path)


def _answer(request: Request, path: str) -> Response:
    file = FILES.get(path)
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {**HEADERS, "ETag": file.tag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if file.tag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
