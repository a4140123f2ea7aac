"""Pictures of what ``models`` found out: arrays in, PNG out. Nothing here computes an attribution."""

from service.overlays.grounds import grounds
from service.overlays.ledger import ledger
from service.overlays.occlusion import occlusion
from service.overlays.pairs import pairs
from service.overlays.prediction import prediction
from service.overlays.process import process
from service.overlays.sufficient import sufficient
from service.overlays.usage import usage

__all__ = ["grounds", "ledger", "occlusion", "pairs", "prediction", "process", "sufficient", "usage"]
