"""Konkyo asks a small CNN why it predicted what it did, and answers exactly.

A network is one that comes with Konkyo or a checkpoint of yours, ``load``, or a module of PyTorch, ``from_torch``. It
is asked about one image or many: ``predict``, ``filters``, ``process``, ``occlusion``, ``shapley``, ``grounds``. A
result shows itself in a notebook, is saved as a picture, ``.save("why.png")``, has its arrays as attributes, and is
written as JSON with ``.to_dict()``.

Names are loaded when one is first used: numpy reads the number of its threads when it is first imported, and a program
that imports this package may want to say it before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from konkyo.asking import filters, grounds, occlusion, predict, process, shapley
    from konkyo.images import ImageWarning
    from konkyo.model import Model, from_torch, load
    from konkyo.models.errors import BudgetError, CheckpointError, ImageError, KonkyoError, ParameterError
    from konkyo.models.filters.contributions import FilterExplanation
    from konkyo.models.filters.process import Process
    from konkyo.models.grounds.proofs import Grounds
    from konkyo.models.hiding.cost import Budget
    from konkyo.models.hiding.occlusion import OcclusionExplanation
    from konkyo.models.hiding.shapley import ShapleyExplanation
    from konkyo.models.result import Prediction
    from konkyo.results import Results
    from konkyo.trainer.errors import NetworkFileError

__version__ = "1.0.0"

__all__ = [
    "Budget",
    "BudgetError",
    "CheckpointError",
    "FilterExplanation",
    "Grounds",
    "ImageError",
    "ImageWarning",
    "KonkyoError",
    "Model",
    "NetworkFileError",
    "OcclusionExplanation",
    "ParameterError",
    "Prediction",
    "Process",
    "Results",
    "ShapleyExplanation",
    "filters",
    "from_torch",
    "grounds",
    "load",
    "occlusion",
    "predict",
    "process",
    "shapley",
]

_ERRORS = "BudgetError", "CheckpointError", "ImageError", "KonkyoError", "ParameterError"
# Where each name is.
_HOMES = {
    **dict.fromkeys(__all__, "konkyo.asking"),
    **dict.fromkeys(("Model", "from_torch", "load"), "konkyo.model"),
    **dict.fromkeys(_ERRORS, "konkyo.models.errors"),
    "Budget": "konkyo.models.hiding.cost",
    "ImageWarning": "konkyo.images",
    "NetworkFileError": "konkyo.trainer.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
