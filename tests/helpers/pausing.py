"""A command of the trainer that pauses where a test wants to interrupt it: on no machine has it ended before."""

import sys
from pathlib import Path

_CODE = """
import sys, time
from importlib import import_module
from pkgutil import resolve_name

module, _, path = {target!r}.partition(":")
*owners, name = path.split(".")
owner = resolve_name(":".join([module, ".".join(owners)]) if owners else module)
whole = getattr(owner, name)

def paused(*arguments):
    for number, given in enumerate(whole(*arguments), 1):
        yield given
        if number >= {number}:
            time.sleep(60)

setattr(owner, name, paused)
import_module("konkyo.trainer.cli").run()
"""


def pausing(target: str, number: int, *arguments: str | Path) -> list[str]:
    """The command ``python -m trainer ARGUMENTS``, which pauses for a minute after something has been yielded.

    Parameters
    ----------
    target
        The generator that yields, as ``module:function`` or ``module:class.method``.
    number
        How many things it yields before.
    """
    return [sys.executable, "-c", _CODE.format(target=target, number=number), *map(str, arguments)]
