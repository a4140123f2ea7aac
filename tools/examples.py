"""``python -m tools.examples``: ask the running service the documentation's questions and keep the answers.

Makes the digits in docs/digits, the examples of the OpenAPI document, docs/http.md, the answer in docs/index.md, in the
README the table of networks, and there and in docs/request.md what the Python code prints.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.files.checkpoint import Checkpoint, load_all
from konkyo.trainer.data import read
from support.server import running_service
from tools.reference import reference

ROOT = Path(__file__).parent.parent
DIGITS = ROOT / "docs" / "digits"
EXAMPLES = ROOT / "service" / "routes" / "examples"

# MNIST's test images that show the digits in documents: each leads clearly in the eyes of networks of every size. They
# stay when networks are trained anew, so that documents and the links of the lesson keep their drawings.
CLEAR = 71, 652, 503, 792, 56, 812, 665, 626, 806, 99

QUESTIONS = {
    "predict": "/predict",
    "filters": "/explain/filters",
    "occlusion": "/explain/occlusion?region=7",
    "shapley": "/explain/shapley",
    "grounds": "/explain/grounds",
    "process": "/explain/process",
}
PATHS = [question.partition("?")[0] for question in QUESTIONS.values()]
# An answer of thousands of numbers is no example.
ABBREVIATED = {"process", "model-weights"}
LOOKUPS = {
    "models": "/models",
    "model": "/models/paired-3x3",
    "model-filters": "/models/paired-3x3/filters",
    "model-weights": "/models/paired-3x3/weights",
    "healthz": "/healthz",
    "readyz": "/readyz",
}


def main() -> None:
    write_digits()
    with running_service() as address:
        for name, question in QUESTIONS.items():
            write_example(name, curl(f"curl -s -F file=@docs/digits/7.png '{address}{question}'"))
        for name, path in LOOKUPS.items():
            write_example(name, curl(f"curl -s {address}{path}"))
        readme, start = ROOT / "README.md", ROOT / "docs" / "index.md"
        readme.write_text(with_printed(with_networks(readme.read_text())))
        start.write_text(with_answers(start.read_text(), address))
        traced = ROOT / "docs" / "request.md"
        traced.write_text(with_printed(traced.read_text()))
        (ROOT / "docs" / "http.md").write_text(reference(json.loads(curl(f"curl -s {address}/openapi.json"))))


def write_example(name: str, answer: bytes) -> None:
    """Keep an answer as an example of the OpenAPI document."""
    example = json.loads(answer)
    if name in ABBREVIATED:
        example = abbreviated(example)
    (EXAMPLES / f"{name}.json").write_text(json.dumps(example) + "\n")


def trained_on(dataset: str) -> dict[str, Checkpoint]:
    """The shipped networks of a data set."""
    return {
        name: one for name, one in sorted(load_all().items()) if one.card.dataset and one.card.dataset.name == dataset
    }


def write_digits() -> None:
    """A clear test image of each digit."""
    images = read(ROOT / "tests" / "data", "t10k").images
    for digit, number in enumerate(CLEAR):
        save_digit(str(digit), images[number])


def save_digit(name: str, image: NDArray[np.uint8], *, page: bool = True) -> None:
    """Where the documents' commands find it, and where the page does."""
    for folder in (DIGITS, ROOT / "service" / "web" / "digits") if page else (DIGITS,):
        Image.fromarray(image).save(folder / f"{name}.png", optimize=True)


def abbreviated(value: Any) -> Any:
    """The same JSON, with only the first entry of each list of lists."""
    if isinstance(value, dict):
        return {key: abbreviated(item) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [abbreviated(item) for item in value]
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [abbreviated(value[0])]
    return value


def curl(command: str) -> bytes:
    """Run a curl command in the project's folder."""
    return subprocess.run(shlex.split(command), cwd=ROOT, check=True, capture_output=True).stdout


# A console block: a prompt with a curl command, then its answer.
CONSOLE = re.compile(r"```console\n\$ (curl [^\n]*)\n(.*?)```", re.DOTALL)


def with_answers(text: str, address: str) -> str:
    """The text with the answer of every console block asked anew."""

    def ask(block: re.Match[str]) -> str:
        answer = curl(block[1].replace("localhost:8000", address)).decode()
        return f"```console\n$ {block[1]}\n{answer}\n```"

    return CONSOLE.sub(ask, text)


# A block of Python, and beneath it what it prints.
PYTHON = re.compile(r"```python\n(.*?)```(\n\n[^\n]*\n\n)```text\n(.*?)```", re.DOTALL)


def printed(code: str) -> str:
    """What a block of Python prints in the project's folder, or in one like it: what it writes is not kept."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "docs").symlink_to(ROOT / "docs")
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def with_printed(text: str) -> str:
    """The text with every block of Python run anew."""
    return PYTHON.sub(lambda block: f"```python\n{block[1]}```{block[2]}```text\n{printed(block[1])}```", text)


TABLE = re.compile(r"(<!-- networks[^\n]*-->\n).*?(<!-- /networks -->)", re.DOTALL)


def with_networks(text: str) -> str:
    """The text with the table of the shipped networks made anew from their cards."""
    head = "| | knows | wiring | filters | parameters | correct on the test images | all seeds, mean ± sd |"
    rows = [head, "|---|---|---|---|--:|--:|--:|"]
    for name, checkpoint in sorted(load_all().items(), key=lambda item: item[1].card.parameters):
        card, shape = checkpoint.card, checkpoint.network.architecture
        dataset = card.dataset.name if card.dataset else "–"
        accuracy = f"{card.accuracy.test:.2%}" if card.accuracy else "not measured"
        filters = " and ".join(str(stage.filters) for stage in shape.stages)
        tests = [run.test for run in card.runs]
        spread = (
            f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f}% of {len(tests)}" if len(tests) > 1 else "one seed"
        )
        wiring, parameters = shape.stages[-1].wiring, f"{shape.parameters:,}"
        cells = f"`{name}`", dataset, wiring, filters, parameters, accuracy, spread
        rows.append(f"| {' | '.join(cells)} |")
    return TABLE.sub(lambda match: match[1] + "\n".join(rows) + "\n" + match[2], text)


if __name__ == "__main__":
    main()
