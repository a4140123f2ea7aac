"""What a document prints that can be run: its blocks of code, and commands within its sentences, in their order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from support.folders import ROOT

BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$|(?<!`)`(?P<inline>[^`]+)`(?!`)", re.M | re.S)
# How a command within a sentence begins. A program alone, as in "make 3.81", is none.
COMMAND = re.compile(
    r"((\w+=\S+ )*(apt|curl|docker|git|konkyo|make|nginx|pip|printf|prometheus|promtool|pytest|python3?|trainer|uvx) "
    r"|\.venv/bin/|\.ci/run|deploy/roll)"
)

LONGEST = 60  # letters of a block's name


@dataclass(frozen=True)
class Piece:
    """A command, or a block in another language, which is called as it begins: ``python: import numpy as np``."""

    name: str
    code: str
    # Of the block; None within a sentence.
    language: str | None = None


def pieces(document: str) -> dict[str, Piece]:
    """Each that is printed in a document, by its name, where it is printed first."""
    found: dict[str, Piece] = {}
    for piece in _pieces((ROOT / document).read_text(encoding="utf-8")):
        # Of what a sentence names and a block has, the block counts.
        if piece.name not in found or found[piece.name].language is None:
            found[piece.name] = piece
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
                yield Piece(command, command, language)
        elif language == "console":
            for command in re.findall(r"^\$ (.*)$", code, re.M):
                yield Piece(command, command, language)
        else:
            yield Piece(f"{language}: {code.splitlines()[0]}"[:LONGEST], code, language)
