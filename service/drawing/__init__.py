"""Draws results as pictures. Nothing here computes an explanation."""

from service.drawing.grounds import grounds
from service.drawing.ledger import ledger
from service.drawing.occlusion import occlusion
from service.drawing.pair_drops import pair_drops
from service.drawing.prediction import prediction
from service.drawing.process import process
from service.drawing.shapley import shapley
from service.drawing.usage import usage

__all__ = ["grounds", "ledger", "occlusion", "pair_drops", "prediction", "process", "shapley", "usage"]
