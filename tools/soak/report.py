"""What every soak program shares: its command line, the table that it prints, the line of JSON that it can leave."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.server import CONTAINER, SkippedError

SOAK = Path(__file__).parent


@dataclass(frozen=True)
class Check:
    """A goal, and what was measured; ``absolute`` if a busy machine can miss it: no condition of a short run."""

    goal: str
    measured: str
    passed: bool
    absolute: bool = False


@dataclass(frozen=True)
class Program:
    """One long test.

    Attributes
    ----------
    name
        Of its module in ``tools.soak``.
    title
        What it is about, in the report.
    count
        How many inputs or requests, unless told otherwise.
    measure
        (count, seed) → checks.
    threats
        What of ``tests.helpers.threats`` it proves.
    http
        Whether it talks to a service, which can run in its container.
    """

    name: str
    title: str
    count: int
    measure: Callable[[int, int], list[Check]]
    threats: tuple[str, ...]
    seed: int = 1
    http: bool = True

    @property
    def proves(self) -> tuple[str, ...]:
        """Its threats; what can run in the container proves that too."""
        return (*self.threats, "the container") if self.http else self.threats


@dataclass(frozen=True)
class Result:
    """What a program found."""

    name: str
    title: str
    count: int
    seed: int
    seconds: float
    date: str
    machine: str
    checks: list[Check]
    skipped: str | None = None
    container: bool = False

    @property
    def passed(self) -> bool:
        """Whether every goal was reached; a skipped program reached none, and failed none."""
        return all(check.passed for check in self.checks)


def say(text: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(program: Program, count: int, seed: int) -> Result:
    """Measure, and say what came of it."""
    say(f"{program.title}: {count:,}, seed {seed}")
    start = time.monotonic()
    skipped, checks = None, []
    try:
        checks = program.measure(count, seed)
    except SkippedError as reason:
        skipped = str(reason)
    seconds, date = round(time.monotonic() - start, 1), datetime.now(UTC).strftime("%Y-%m-%d")
    contained = CONTAINER in os.environ
    result = Result(program.name, program.title, count, seed, seconds, date, machine(), checks, skipped, contained)
    say(table(result))
    return result


def machine() -> str:
    """In words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    return f"{cores} cores and {memory:.0f} GiB, {system}"


def table(result: Result) -> str:
    """Goals next to what was measured."""
    if result.skipped:
        return f"  skipped: {result.skipped}"
    rows = [("goal", "measured", "")]
    rows += [(check.goal, check.measured, "pass" if check.passed else "FAIL") for check in result.checks]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*lines, f"  {result.count:,} in {result.seconds} s, seed {result.seed}"])


def main(program: Program) -> int:
    """The command line of one program; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.soak.{program.name}", description=program.title)
    parser.add_argument("--count", "--inputs", "--requests", type=int, default=program.count, dest="count")
    parser.add_argument("--seed", type=int, default=program.seed)
    parser.add_argument("--json", type=Path, help="a file to add the result to, as a line of JSON")
    if program.http:
        parser.add_argument("--container", action="store_true", help="ask the service in its container")
    options = parser.parse_args()
    if program.http and options.container:
        os.environ[CONTAINER] = "1"
    result = run(program, options.count, options.seed)
    if options.json:
        with options.json.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
    return 0 if result.passed else 1
