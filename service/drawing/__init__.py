"""Draws results as pictures. Nothing here computes an explanation."""

from collections.abc import Callable
from typing import Any

from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.grounds.proofs import Grounds
from konkyo.models.hiding.occlusion import OcclusionExplanation
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.result import Prediction, Result
from konkyo.service.drawing.grounds import grounds
from konkyo.service.drawing.interactions import interactions
from konkyo.service.drawing.ledger import ledger
from konkyo.service.drawing.occlusion import occlusion
from konkyo.service.drawing.pair_drops import pair_drops
from konkyo.service.drawing.prediction import prediction
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.drawing.process import process
from konkyo.service.drawing.shapley import shapley
from konkyo.service.drawing.usage import usage

__all__ = [
    "draw",
    "grounds",
    "interactions",
    "ledger",
    "occlusion",
    "pair_drops",
    "prediction",
    "process",
    "shapley",
    "usage",
]

_DRAWINGS: dict[type[Result], Callable[[Any, Style], Canvas]] = {
    Prediction: prediction,
    FilterExplanation: ledger,
    Process: process,
    OcclusionExplanation: occlusion,
    ShapleyExplanation: shapley,
    Grounds: grounds,
}


def draw(result: Result, style: Style = Style()) -> Canvas:
    """The picture of a result."""
    if isinstance(result, OcclusionExplanation) and result.pairs is not None:
        return pair_drops(result, style)
    if isinstance(result, ShapleyExplanation) and result.interactions is not None:
        return interactions(result, style)
    return _DRAWINGS[type(result)](result, style)
