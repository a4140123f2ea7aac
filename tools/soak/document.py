"""docs/reliability.md: what the service must survive, what proves it, and what was measured last."""

import json
from typing import Any

from support.folders import ROOT
from support.threats import GOALS, THREATS, proofs
from tools.soak import bombs, composition, kill, overload, requests, rolling, slow

PROGRAMS = tuple(module.PROGRAM for module in (bombs, kill, overload, slow, composition, rolling, requests))
RESULTS = ROOT / "docs" / "reliability.jsonl"
REPORT = ROOT / "docs" / "reliability.md"
INSIDE = ", in the container"

_ORDER = [(program.name, False) for program in PROGRAMS]
_ORDER += [(program.name, True) for program in PROGRAMS if program.http]
_HEAD = """\
# What it survives

Made by `python -m tools.soak`, which measured every number below; clients and server share the machine. In the
container: read-only, a plain user, no capabilities, 512 MiB, as docker-compose.yml says.

`make test` runs the tests of this table, and `pytest -m threat` them alone. With `--times 20` they try twenty times as
many inputs; with `KONKYO_SOAK_CONTAINER=1` they ask the service in its container. The others are the long runs below.

"""


def write() -> None:
    """Keep the last result of each program, and make the document of them."""
    results = _latest()
    RESULTS.write_text("".join(json.dumps(results[key]) + "\n" for key in _ORDER if key in results))
    REPORT.write_text(_HEAD + proven() + "".join(_section(results[key]) for key in _ORDER if key in results))


def proven() -> str:
    """The table of threats and goals, with what is done and what proves it."""
    tests = proofs()
    text = "| threat | what is done | proven by |\n|---|---|---|\n"
    for name, done in {**THREATS, **GOALS}.items():
        proving = tests.get(name, [])
        proving += [f"python -m tools.soak.{program.name}" for program in PROGRAMS if name in program.proves]
        text += f"| {name} | {done} | {'<br>'.join(f'`{one}`' for one in proving)} |\n"
    return text


def _latest() -> dict[tuple[str, bool], dict[str, Any]]:
    """The last result of each program, outside of the container and in it."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return {(result["name"], result["container"]): result for result in map(json.loads, lines)}


def _section(result: dict[str, Any]) -> str:
    """What one program found."""
    inside = result["container"]
    text = f"\n## {result['title']}{INSIDE * inside}\n\n"
    text += f"`python -m tools.soak.{result['name']}{' --container' * inside}`: {result['count']:,}, seed "
    text += f"{result['seed']}, {result['seconds']:,.0f} s, {result['date']}; {result['machine']}.\n\n"
    if result["skipped"]:
        return text + f"Skipped: {result['skipped']}.\n"
    text += "| goal | measured | |\n|---|---|---|\n"
    for check in result["checks"]:
        measured = str(check["measured"]).replace("|", "/").replace("\n", " ")
        text += f"| {check['goal']} | {measured} | {'reached' if check['passed'] else '**missed**'} |\n"
    return text
