"""Pictures of what ``models`` found out: arrays in, PNG out. Nothing here computes an attribution."""

from service.overlays.ledger import ledger
from service.overlays.occlusion import occlusion
from service.overlays.prediction import prediction

__all__ = ["ledger", "occlusion", "prediction"]
