"""Writes log lines without waiting for their reader: a full pipe would stop the whole service."""

import logging
import select
from collections.abc import Callable
from typing import ClassVar, TextIO

# Characters written at a time. A pipe is writable while it has room for 4 KiB, and a character has at most 4 bytes.
_PIECE = 1024


class Output:
    """Lines for a stream. What the stream has no room for is dropped and counted.

    Attributes
    ----------
    counters
        Called for each line that was dropped, or cut short.
    """

    counters: ClassVar[tuple[Callable[[], None], ...]] = ()
    # Whether the last line was cut short, and its end is missing.
    _cut = False

    def put(self, stream: TextIO, line: str) -> None:
        """Write a line, or as much of it as there is room for."""
        text = "\n" * self._cut + line + "\n"
        for start in range(0, len(text), _PIECE):
            if not _has_room(stream):
                self._cut = self._cut or start > 0
                for count in self.counters:
                    count()
                return
            stream.write(text[start : start + _PIECE])
            stream.flush()
        self._cut = False


class LogHandler(logging.StreamHandler[TextIO], Output):
    """For what uvicorn logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or drop it."""
        try:
            self.put(self.stream, self.format(record))
        except Exception:
            self.handleError(record)


def _has_room(stream: TextIO) -> bool:
    """Whether a piece can be written without waiting."""
    try:
        return bool(select.select([], [stream.fileno()], [], 0)[1])
    except (OSError, ValueError):  # a buffer in a test has no file number
        return True
