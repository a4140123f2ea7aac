"""Mutation testing: which small changes of the code does no test notice? ``python -m tools.mutants`` prints its report.

mutmut makes the mutants and runs, for each, the tests that execute the changed function. It works on a copy under
``build/``, for three reasons. mutmut walks no links, and ``konkyo/models`` is one. It leaves decorated functions alone,
so in the copy ``@property`` and its like become a line behind the function. And a sample has to be drawn from all
mutants: the others are marked as skipped before the run.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "mutants"
# What is mutated, and the tests that should notice.
TARGETS = {
    # What the results' `to_dict` gives is the answer over HTTP.
    "models": (
        ["*"],
        [
            *("tests/models", "tests/test_library.py"),
            *(f"tests/service/test_{name}.py" for name in ("fitting", "openapi", "routes")),
        ],
    ),
    # Not openapi.py, which runs while modules are imported, before a mutant is chosen; nor protocol.py, which runs in
    # servers that are processes of their own (tests/hostile).
    "service": (
        [
            *("*/imaging/*", "*/routes/asking.py", "*/routes/queries.py"),
            *(
                f"*/http/{name}.py"
                for name in ("answer", "body", "middleware", "problems", "room", "security", "telemetry")
            ),
        ],
        ["tests/service"],
    ),
}
DECORATORS = ("property", "cached_property", "lru_cache")
# mutmut's exit codes of pytest; the last one is of a process that ended otherwise, such as by Ctrl-C.
SKIPPED, UNTESTED, BROKEN = 34, {5, 33}, 255
ALIVE = {"survived", "untested"}

CONFIGURATION = """
[tool.mutmut]
source_paths = ["konkyo/{target}"]
only_mutate = {only}
also_copy = {others}
# What a process has computed and kept must not answer for a mutant: each is forked before any test has run.
process_isolation = "forkserver"
pytest_add_cli_args = [
    "-p", "quickest_first", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov",
    "--hypothesis-profile", "mutants",
]
pytest_add_cli_args_test_selection = {tests}

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
pythonpath = ["."]
markers = {markers}
"""

# Most mutants are noticed by many tests, of which the first one ends the run.
PLUGIN = """
import json
from collections import Counter
from pathlib import Path


def pytest_collection_modifyitems(items):
    path = Path("mutmut-stats.json")
    seconds = json.loads(path.read_text())["duration_by_test"] if path.exists() else {}
    whole = Counter()
    for item in items:
        whole[item.path] += seconds.get(item.nodeid, 0)
    items.sort(key=lambda item: (whole[item.path], str(item.path), seconds.get(item.nodeid, 0)))
"""


def main() -> int:
    """Make the mutants, run the sample, and print the report."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=str(__doc__).splitlines()[0])
    parser.add_argument("--target", choices=TARGETS, default="models")
    parser.add_argument("--every", type=int, default=1, help="a sample: one mutant in so many (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument(
        "--again", action="store_true", help="the survivors of the last run, of the same code with today's tests"
    )
    parser.add_argument("--report", action="store_true", help="only the report of the last run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    folder = BUILD / options.target
    if not options.report:
        before = codes(folder)
        prepare(folder, options.target)
        if options.again:
            left = {name for name, code in before.items() if code in {None, BROKEN} or verdict(code) in ALIVE}
            choose(folder, {name: None if name in left else code for name, code in before.items()})
        else:
            names = list(codes(folder))
            some = random.Random(options.seed).sample(names, -(-len(names) // options.every))  # noqa: S311
            choose(folder, dict.fromkeys(some))
        mutmut(folder, "run", "--max-children", str(options.jobs))
    print(report(folder))
    return 0


def prepare(folder: Path, target: str) -> None:
    """Copy the checkout, and make all mutants."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("konkyo", "support", "tests", "docs", "tools", "benchmarks", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    # A test runs its example.
    shutil.copy(ROOT / "README.md", folder)
    for path in (folder / "konkyo" / target).rglob("*.py"):
        path.write_text(undecorated(path.read_text()))
    configure(folder, target)
    for name in ("docs", "support", "tools", "deploy", "konkyo"):
        shutil.copytree(folder / name, folder / "mutants" / name)
    shutil.copy(folder / "README.md", folder / "mutants")
    (folder / "mutants" / "quickest_first.py").write_text(PLUGIN)
    code = "from mutmut.__main__ import *; copy_src_dir(); copy_also_copy_files(); create_mutants(2)"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def configure(folder: Path, target: str) -> None:
    """Tell mutmut what to mutate, and which tests to run."""
    only, tests = TARGETS[target]
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    others = [str(path.relative_to(folder)) for path in (folder / "konkyo").iterdir() if path.name != target]
    settings = {"target": target, "only": json.dumps(only), "tests": json.dumps(tests), "others": json.dumps(others)}
    (folder / "pyproject.toml").write_text(CONFIGURATION.format(**settings, markers=markers))


def undecorated(source: str) -> str:
    """``@property`` before a function becomes ``name = property(name)`` behind it."""
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda one: -one.lineno):
        decorators = [ast.unparse(one) for one in node.decorator_list]
        if len(decorators) == 1 and decorators[0].split("(")[0] in DECORATORS:
            lines.insert(
                int(node.end_lineno or 0), f"{' ' * node.col_offset}{node.name} = {decorators[0]}({node.name})"
            )
            first = node.decorator_list[0]
            del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines) + "\n"


def codes(folder: Path) -> dict[str, int | None]:
    """The exit code of the tests of each mutant; None where they did not run."""
    files = [json.loads(path.read_text()) for path in sorted(folder.rglob("*.meta"))]
    return {name: code for data in files for name, code in data["exit_code_by_key"].items()}


def choose(folder: Path, chosen: Mapping[str, int | None]) -> None:
    """Mark the mutants that are to run, with None; the others with what is known of them, or as skipped."""
    for path in sorted(folder.rglob("*.meta")):
        data = json.loads(path.read_text())
        data["exit_code_by_key"] = {name: chosen.get(name, SKIPPED) for name in data["exit_code_by_key"]}
        path.write_text(json.dumps(data))


def mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut in the copy; what it says is shown while it runs, unless it is asked for a mutant's lines."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    shown = arguments[0] == "show"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder / "mutants")}
    done = subprocess.run(command, cwd=folder, check=True, text=True, capture_output=shown, env=environment)
    return done.stdout or ""


def report(folder: Path) -> str:
    """For each module how many mutants ran and were killed; then the lines of every survivor."""
    rows, survivors, total = [], [], Counter[str]()
    for path in sorted(folder.rglob("*.meta")):
        found = json.loads(path.read_text())["exit_code_by_key"]
        count = Counter({"made": len(found)}) + Counter(map(verdict, found.values()))
        rows.append(row(str(path.relative_to(folder / "mutants/konkyo"))[:-5], count))
        total += count
        survivors += [name for name, code in found.items() if verdict(code) in ALIVE]
    table = ["| module | made | ran | killed | share |", "|---|--:|--:|--:|--:|", *rows, row("**all**", total)]
    return "\n".join([*table, "", *changes(folder, survivors)])


def verdict(code: int | None) -> str:
    """What a mutant's exit code means. A mutant that makes the tests endless is noticed."""
    if code in {None, SKIPPED, BROKEN}:
        return "skipped"
    if code == 0:
        return "survived"
    return "untested" if code in UNTESTED else "killed"


def row(name: str, count: Counter[str]) -> str:
    """One line of the table."""
    ran = count["killed"] + count["survived"] + count["untested"]
    share = f"{100 * count['killed'] / ran:.0f} %" if ran else ""
    return f"| {name} | {count['made']:,} | {ran:,} | {count['killed']:,} | {share} |"


def changes(folder: Path, names: list[str]) -> Iterator[str]:
    """Each survivor's name, and the lines that it takes and adds."""
    for name in names:
        lines = mutmut(folder, "show", name).splitlines()
        yield name
        yield from (line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"})


if __name__ == "__main__":
    sys.exit(main())
