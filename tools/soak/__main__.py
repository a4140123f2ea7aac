"""``python -m tools.soak``: all long tests in order, then docs/reliability.md. ``--only kill slow`` runs some of them.

Those that ask a service do so twice: as ``python -m service`` runs it, and in its container, where there is Docker.
Each runs in a process of its own, and its last result is kept beside the report until the next run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from tests.e2e.container import docker_runs
from tests.e2e.server import ROOT
from tests.threats import GOALS, THREATS
from tools.soak import bombs, checkpoint, concurrent, decoder, healthz, kill, openapi, overload, requests, slow
from tools.soak.report import say

PROGRAMS = tuple(
    module.PROGRAM
    for module in (decoder, openapi, bombs, checkpoint, kill, overload, healthz, concurrent, slow, requests)
)
ORDER = [(program.name, False) for program in PROGRAMS]
ORDER += [(program.name, True) for program in PROGRAMS if program.http]
INSIDE = ", in the container"
RESULTS = ROOT / "docs" / "reliability.jsonl"
REPORT = ROOT / "docs" / "reliability.md"

HEAD = """\
# What it survives

Made by `make soak`; every number below was measured by it. `make test` runs a short form of each. In the container:
read-only, a plain user, no capabilities, 512 MiB, as docker-compose.yml says.

| threat | proved by |
|---|---|
"""


def main() -> int:
    """Run, write the report, and fail where a goal was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak", description="All long tests, and docs/reliability.md."
    )
    parser.add_argument("--only", nargs="+", choices=[program.name for program in PROGRAMS], help="some of them")
    parser.add_argument("--container", action="store_true", help="only what is asked of the service in its container")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    jobs = [(program, False) for program in PROGRAMS if not options.container]
    jobs += [(program, True) for program in PROGRAMS if program.http]
    jobs = [(program, inside) for program, inside in jobs if options.only is None or program.name in options.only]
    if not docker_runs():
        say("no Docker daemon answers here: nothing is asked of the container")
        jobs = [(program, inside) for program, inside in jobs if not inside]
    failed = []
    for number, (program, inside) in enumerate(jobs, 1):
        name = program.name + INSIDE * inside
        say(f"[{number}/{len(jobs)}] {name}")
        command = [sys.executable, "-m", f"tools.soak.{program.name}", "--seed", str(options.seed)]
        command += ["--json", str(RESULTS), *["--container"] * inside]
        if subprocess.run(command, cwd=ROOT).returncode:
            failed.append(name)
    results = _latest()
    RESULTS.write_text("".join(json.dumps(results[key]) + "\n" for key in ORDER if key in results))
    REPORT.write_text(report(results))
    say(
        f"{REPORT.relative_to(ROOT)} is written; "
        + (f"missed: {', '.join(failed)}" if failed else "every goal is reached")
    )
    return 1 if failed else 0


def _latest() -> dict[tuple[str, bool], Any]:
    """The last result of each program, outside of the container and in it."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return {(result["name"], result.get("container", False)): result for result in map(json.loads, lines)}


def report(results: dict[tuple[str, bool], Any]) -> str:
    """The document: threats and goals with their proofs, then what was measured."""
    text = HEAD
    for what, proofs in {**THREATS, **GOALS}.items():
        text += f"| {what} | {'<br>'.join(f'`{proof}`' for proof in proofs)} |\n"
    text += f"\nMeasured on {machine()}. Dates, counts and seeds stand with each.\n"
    for key in ORDER:
        result = results.get(key)
        if result is None:
            continue
        name, inside = key
        text += f"\n## {result['title']}{INSIDE * inside}\n\n"
        text += f"`python -m tools.soak.{name}{' --container' * inside}`: {result['count']:,}, seed {result['seed']}, "
        text += f"{result['seconds']:,.0f} s, {result['date']}.\n\n"
        if result["skipped"]:
            text += f"Skipped: {result['skipped']}.\n"
            continue
        text += "| goal | measured | |\n|---|---|---|\n"
        for check in result["checks"]:
            measured = str(check["measured"]).replace("|", "/").replace("\n", " ")
            text += f"| {check['goal']} | {measured} | {'reached' if check['passed'] else '**missed**'} |\n"
    return text


def machine() -> str:
    """In words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    system = f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    return (
        f"{len(os.sched_getaffinity(0))} cores and {memory:.0f} GiB, which clients and server share; {system}; {today}"
    )


if __name__ == "__main__":
    sys.exit(main())
