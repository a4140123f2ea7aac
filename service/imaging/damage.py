"""The refusal of an image that is damaged."""

from typing import NoReturn

from konkyo.service.errors import UnreadableImageError


def refuse(why: str, cause: Exception | None = None) -> NoReturn:
    """Raise UnreadableImageError with the reason, from the error that showed the damage if there is one."""
    raise UnreadableImageError(f"the image is damaged: {why}") from cause
