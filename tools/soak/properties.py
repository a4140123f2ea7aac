"""``python -m tools.soak.properties``: every property of the tests, on twenty times as many examples (goal 1)."""

import re
import subprocess
import sys

from tests.helpers.folders import ROOT
from tools.soak.report import Check, Program, main, say


def measure(count: int, seed: int) -> list[Check]:
    """``count`` times through all of them, each time with other examples."""
    passed, failed = 0, set[str]()
    for number in range(count):
        command = [sys.executable, "-m", "pytest", "-p", "no:timeout", "tests/models", "tests/service", "tests/trainer"]
        command += ["-m", "hypothesis"]
        command += ["-q", "--hypothesis-profile", "wide", "--hypothesis-seed", str(seed + number)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        failed |= set(re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE))
        found = re.search(r"(\d+) passed", done.stdout)
        passed += int(found[1]) if found else 0
        if done.returncode:
            say(done.stdout[-20_000:])
    return [
        Check("at least 30 properties", f"{passed / count:.0f}", passed >= 30 * count),
        Check("all hold", ", ".join(sorted(failed)) or "they do", not failed),
    ]


PROGRAM = Program(
    "properties",
    "Properties of the tests on twenty times as many examples",
    1,
    measure,
    threats=("many inputs",),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
