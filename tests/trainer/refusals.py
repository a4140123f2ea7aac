"""What importing says of each network that it refuses, in tests/data/refusals.json.

``python -m tests.trainer.refusals`` makes that anew: look at what has changed.
"""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from konkyo.trainer.errors import NetworkFileError
from support.folders import DATA

FILE = DATA / "refusals.json"
# Each has a function ``refusals``: of cases in a folder, what is said.
MODULES = {
    "ONNX": "tests.trainer.test_importing_refusals",
    "modules": "tests.trainer.test_importing_torch",
    "state dicts": "tests.trainer.test_importing_state_dicts",
    "hostile files": "tests.trainer.test_importing_hostile",
    "options": "tests.trainer.test_importing_command",
}


def refusal(read: Callable[[], object]) -> str:
    """What is said of a network that cannot be read."""
    try:
        read()
    except NetworkFileError as error:
        return str(error)
    return "it was read"


def made(folder: Path) -> dict[str, dict[str, str]]:
    """What is said now, by module and case."""
    found = {}
    for kind, module in MODULES.items():
        own = folder / kind
        own.mkdir()
        said = import_module(module).refusals(own)
        found[kind] = {case: text.replace(str(own), "{folder}") for case, text in said.items()}
    return found


def kept() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def main() -> None:
    with TemporaryDirectory() as folder:
        FILE.write_text(json.dumps(made(Path(folder)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
