"""Draws results as pictures, and computes nothing. Which result each of these draws: ``service/rendering.py``."""

from konkyo.service.drawing.grounds import grounds
from konkyo.service.drawing.interactions import interactions
from konkyo.service.drawing.ledger import ledger
from konkyo.service.drawing.occlusion import occlusion
from konkyo.service.drawing.pair_drops import pair_drops
from konkyo.service.drawing.prediction import prediction
from konkyo.service.drawing.process import process
from konkyo.service.drawing.shapley import shapley
from konkyo.service.drawing.usage import usage

__all__ = [
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
