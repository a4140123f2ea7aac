"""The network as arrays, and what explains it. numpy only: no torch, no HTTP.

The names below are for use from Python; ``docs/mathematics.md`` defines what they compute.
"""

from konkyo.models.checkpoint import Checkpoint, load, load_all
from konkyo.models.contributions import FilterExplanation, explain_filters
from konkyo.models.hiding import Hiding
from konkyo.models.occlusion import OcclusionExplanation, explain_occlusion
from konkyo.models.prediction import Prediction, predict
from konkyo.models.process import Process, explain_process
from konkyo.models.proofs import Grounds, grounds
from konkyo.models.regions import Regions
from konkyo.models.shapley_explanation import ShapleyExplanation, explain_shapley

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
