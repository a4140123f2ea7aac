"""``python -m tools.soak``: all long tests in order, then docs/reliability.md. ``--only kill slow`` runs some of them.

With nothing after ``--only`` the report is made again from what was measured last.

Those that ask a service do so twice: as ``python -m service`` runs it, and in its container, where there is Docker.
Each runs in a process of its own, and its last result is kept beside the report until the next run.
"""

import argparse
import subprocess
import sys

from support.container import docker_runs
from support.folders import ROOT
from tools.soak.document import INSIDE, PROGRAMS, REPORT, RESULTS, write
from tools.soak.report import say


def main() -> int:
    """Run, write the report, and fail where a goal was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak", description="All long tests, and docs/reliability.md."
    )
    names = [program.name for program in PROGRAMS]
    parser.add_argument("--only", nargs="*", choices=names, help="some of them, or none: only the report is made")
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
    write()
    outcome = f"missed: {', '.join(failed)}" if failed else "every goal is reached" if jobs else "nothing was measured"
    say(f"{REPORT.relative_to(ROOT)} is written; {outcome}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
