"""Konkyo asks a small CNN why it predicted what it did, and answers exactly.

The names are those of ``konkyo.models``. They are loaded when one is first used: numpy reads the number of its threads
when it is first imported, and a program that imports this package may want to say it before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from konkyo.models import *  # noqa: F403

__version__ = "0.3.0"


def __getattr__(name: str) -> Any:
    models = import_module("konkyo.models")
    if name == "__all__" or name in models.__all__:
        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
