"""Content negotiation: JSON or PNG."""

import re
from enum import StrEnum

from konkyo.service.errors import NotAcceptableError


class Format(StrEnum):
    """The formats of an answer."""

    JSON = "json"
    PNG = "png"


# Characters of an Accept header that are read.
MOST_ACCEPT = 1024
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")

MEDIA_TYPES = {Format.JSON: "application/json", Format.PNG: "image/png"}


def choose(requested: Format | None, accept: str | None) -> Format:
    """The format of the answer: that of ``format``, else the preferred one of ``Accept``, else JSON.

    An ``Accept`` of more than 1,024 characters counts as none.

    Raises
    ------
    NotAcceptableError
        ``Accept`` allows neither.
    """
    if requested is not None:
        return requested
    # No browser sends so much; it would take longer to read than many an answer.
    if not accept or len(accept) > MOST_ACCEPT:
        return Format.JSON
    ranges = _parse(accept)
    # JSON is the first member, so max() returns it if both have the same quality.
    best = max(Format, key=lambda form: _quality(MEDIA_TYPES[form], ranges))
    if _quality(MEDIA_TYPES[best], ranges) == 0:
        raise NotAcceptableError(f"answers come as {' or '.join(MEDIA_TYPES.values())}; Accept allows neither")
    return best


def _parse(accept: str) -> dict[str, float]:
    """The media ranges with their qualities (RFC 9110, 12.5.1). A malformed quality counts as 0."""
    ranges = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = "1"
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = value.strip()
        ranges[media] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return ranges


def _quality(media: str, ranges: dict[str, float]) -> float:
    """The quality of the most specific range that covers ``media``."""
    kind = media.partition("/")[0]
    return next((ranges[name] for name in (media, f"{kind}/*", "*/*") if name in ranges), 0.0)
