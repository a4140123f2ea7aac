"""``python -m tools.soak.openapi``: Schemathesis with all checks, sound and damaged pictures (goal 1)."""

import sys

from tests.hostile.openapi import KEY, answered, check, failures
from tests.hostile.serving import serving
from tools.soak.report import Check, Program, main, say

QUESTIONS = 4
MAX_EXAMPLES = 500  # in one run; more runs with other seeds find more than longer ones


def measure(count: int, seed: int) -> list[Check]:
    found: list[str] = []
    with serving(KONKYO_API_KEYS=KEY) as server:
        number = 0
        while (done := answered(server).total()) < count:
            examples = str(min(max((count - done) // (2 * QUESTIONS), 10), MAX_EXAMPLES))
            report = check(server, "--max-examples", examples, seed=seed + number)
            if answered(server).total() == done:
                raise RuntimeError(f"nothing was asked: {report.stdout[-2000:]}")
            if report.returncode:
                found += failures(report.stdout) or [report.stdout[-2000:] + report.stderr[-2000:]]
                say(report.stdout)
            number += 1
            say(f"  {answered(server).total():,} requests")
        statuses, trouble = answered(server), server.trouble()
    broken = {status: times for status, times in statuses.items() if status >= 500}
    say(f"  {dict(sorted(statuses.items()))}")
    return [
        Check(f"at least {count:,} requests", f"{statuses.total():,}", statuses.total() >= count),
        Check("all checks of Schemathesis", "; ".join(sorted(set(found))) or "clean", not found),
        Check("no 5xx", str(broken or "none"), not broken),
        Check("no exception in the log", trouble or "none", not trouble),
    ]


PROGRAM = Program(
    "openapi",
    "Requests of Schemathesis with every check",
    20_000,
    measure,
    threats=("corrupt files", "many inputs"),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
