"""The network as arrays, and what explains it. numpy only: no torch, no HTTP.

The names below are for use from Python; ``docs/mathematics.md`` defines what they compute.
"""

from konkyo.models.files.checkpoint import Checkpoint, load, load_all
from konkyo.models.filters.contributions import FilterExplanation, explain_filters
from konkyo.models.filters.process import Process, explain_process
from konkyo.models.grounds.proofs import Grounds, grounds
from konkyo.models.hiding.occlusion import OcclusionExplanation, explain_occlusion
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import ShapleyExplanation, explain_shapley
from konkyo.models.result import Prediction, predict

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
