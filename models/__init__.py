"""The network as arrays, and what explains it. numpy only: no torch, no HTTP.

The names below are for use from Python; ``docs/mathematics.md`` defines what they compute.
"""

from models.checkpoint import Checkpoint, load, load_all
from models.contributions import FilterExplanation, explain_filters
from models.hiding import Hiding
from models.occlusion import OcclusionExplanation, explain_occlusion
from models.prediction import Prediction, predict
from models.process import Process, explain_process
from models.proofs import Grounds, grounds
from models.regions import Regions
from models.shapley_explanation import ShapleyExplanation, explain_shapley

__all__ = [
    "Checkpoint",
    "FilterExplanation",
    "Grounds",
    "Hiding",
    "OcclusionExplanation",
    "Prediction",
    "Process",
    "Regions",
    "ShapleyExplanation",
    "explain_filters",
    "explain_occlusion",
    "explain_process",
    "explain_shapley",
    "grounds",
    "load",
    "load_all",
    "predict",
]

__version__ = "0.2.0"
