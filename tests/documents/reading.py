"""What a document prints that can be run: its blocks of code, and commands within its sentences, in their order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.helpers.folders import ROOT

BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$|(?<!`)`(?P<inline>[^`]+)`(?!`)", re.M | re.S)
# How a command within a sentence begins. A program alone, as in "make 3.81", is none.
COMMAND = re.compile(
    r"((\w+=\S+ )*(apt|curl|docker|git|konkyo|make|nginx|pip|printf|prometheus|promtool|pytest|python3?|trainer|uvx) "
    r"|\.venv/bin/|\.ci/run|deploy/roll)"
)


@dataclass(frozen=True)
class Piece:
    """A command, or a block in another language, which is called by its first line: ``python: import numpy as np``."""

    name: str
    code: str
    # What a document shows as the answer, of a block ``console``.
    answer: str = ""


def pieces(document: str) -> dict[str, Piece]:
    """Each that is printed in a document, by its name, where it is printed first."""
    found: dict[str, Piece] = {}
    for piece in _pieces((ROOT / document).read_text(encoding="utf-8")):
        found.setdefault(piece.name, piece)
    return found


def _pieces(text: str) -> Iterator[Piece]:
    for match in BLOCK.finditer(text):
        language, code = match["language"], match["code"]
        if match["inline"] is not None:
            command = " ".join(match["inline"].split())
            if COMMAND.match(command):
                yield Piece(command, command)
        elif language == "sh":
            for line in code.replace("\\\n", "").splitlines():
                command = " ".join(line.split())
                yield Piece(command, command)
        elif language == "console":
            for shown in re.split(r"^\$ ", code, flags=re.M)[1:]:
                command, _, answer = shown.partition("\n")
                yield Piece(command, command, answer)
        else:
            yield Piece(f"{language}: {code.splitlines()[0]}", code)
