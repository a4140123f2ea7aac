"""Phrases that several pictures share."""

from models.hiding import Hiding


def hiding_words(hiding: Hiding) -> str:
    """What was hidden, and with which grey value."""
    side = hiding.regions.region
    return f"regions of {side}×{side} pixels, stride {hiding.regions.step}, fill {hiding.fill:g}"
