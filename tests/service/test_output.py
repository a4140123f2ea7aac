import logging
import os
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from konkyo.service.http.telemetry import LogHandler, Output

Pipe = tuple[TextIO, TextIO]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Where lines are read, and where they are written."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        os.set_blocking(reading, False)
        yield reader, writer


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each lost line."""
    counted: list[int] = []
    monkeypatch.setattr(Output, "counters", (lambda: counted.append(1),))
    return counted


def fill(output: Output, writer: TextIO, line: str, lost: list[int]) -> int:
    """How many lines find room."""
    for number in range(10_000):
        output.put(writer, line)
        if lost:
            return number
    raise AssertionError


@pytest.mark.threat("a log reader that stalls")
def test_a_line_without_room_is_lost_and_the_next_one_is_whole(pipe: Pipe, lost: list[int]) -> None:
    reader, writer = pipe
    output = Output()
    written = fill(output, writer, "a" * 99, lost)
    assert written >= 600
    output.put(writer, "also lost")
    assert len(lost) == 2
    assert reader.read() == ("a" * 99 + "\n") * written
    output.put(writer, "heard")
    assert reader.read() == "heard\n"
    assert len(lost) == 2


@pytest.mark.threat("a log reader that stalls")
def test_a_long_line_is_cut_where_the_room_ends(pipe: Pipe, lost: list[int]) -> None:
    """Such as a traceback; what follows begins on a line of its own."""
    reader, writer = pipe
    output, long = Output(), "é" * 20_000
    written = fill(output, writer, long, lost)
    *whole, cut = reader.read().split("\n")
    assert (whole, len(lost)) == ([long] * written, 1)
    assert long.startswith(cut)
    assert 0 < len(cut) < len(long)
    output.put(writer, "heard")
    assert reader.read() == "\nheard\n"


@pytest.mark.threat("a log reader that stalls")
def test_the_lines_of_the_server_are_lost_as_well(pipe: Pipe, lost: list[int]) -> None:
    reader, writer = pipe
    log = logging.Logger("server")
    log.addHandler(LogHandler(writer))
    for _ in range(10_000):
        log.warning("Invalid HTTP request received.")
    assert set(reader.read().splitlines()) == {"Invalid HTTP request received."}
    assert len(lost) > 5_000


def test_a_line_that_cannot_be_written_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    log, closed = logging.Logger("server"), StringIO()
    log.addHandler(LogHandler(closed))
    closed.close()
    log.warning("nobody hears it")
    assert "I/O operation on closed file" in capsys.readouterr().err
