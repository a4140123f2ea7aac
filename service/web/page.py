"""``GET /`` and ``GET /web/…``: the page and its files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from konkyo.service.settings import Settings

WEB = Path(__file__).parent
PAGE = "index.html"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}

# The page loads scripts, styles and images from this service alone and sends requests to it alone. /docs has other
# headers, since it contains an inline script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors "
)
HEADERS = {
    "Content-Security-Policy": POLICY + "'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers revalidate each file, so that files of two versions are never mixed.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class File:
    """A file of the page, with its entity tag."""

    content: bytes
    media_type: str
    tag: str


def _tagged(content: bytes, media_type: str) -> File:
    return File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def _read() -> dict[str, File]:
    """All files of the page by path. Requests are answered from this table and never from the disk."""
    files = {}
    for path in sorted(WEB.rglob("*")):
        if path.suffix in MEDIA_TYPES:
            files[path.relative_to(WEB).as_posix()] = _tagged(path.read_bytes(), MEDIA_TYPES[path.suffix])
    return files


FILES = _read()
DOCS_LINK = b'<a href="/docs" data-word="documentation"></a>'
# For those who would find nothing at /docs: the service has it turned off, or an edge in front does not show it.
WITHOUT_DOCS = _tagged(FILES[PAGE].content.replace(DOCS_LINK, b""), FILES[PAGE].media_type)

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page. No link of it leads nowhere."""
    settings: Settings = request.app.state.settings
    has_docs = settings.docs and "x-forwarded-for" not in request.headers
    # Only the page itself is ever a document in a frame.
    policy = POLICY + " ".join(settings.framing_hosts or ["'none'"])
    return _answer(request, FILES[PAGE] if has_docs else WITHOUT_DOCS, {"Content-Security-Policy": policy})


@router.api_route("/web/{path:path}", methods=["GET", "HEAD"])
async def part(request: Request, path: str) -> Response:
    """A script, a style or an image of the page."""
    if path not in FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _answer(request, FILES[path])


def _answer(request: Request, file: File, own: Mapping[str, str] | None = None) -> Response:
    headers = {**HEADERS, **(own or {}), "ETag": file.tag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if file.tag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
