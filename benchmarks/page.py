"""``python -m benchmarks.page``: from the end of a stroke to the complete answer on the page, in Chromium.

The clock is the browser's. It starts with the event that ends the stroke, or chooses the picture, and stops when the
frame with the whole answer is painted: the class that is read, the pairs, and what the question says of the regions.
What is shown only where somebody points, such as the share of each pair in a region, comes after it.

With the folder of another checkout (``python -m benchmarks.page ../before``) both are measured in alternating rounds.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from support.browser import draw, launch, opened
from support.server import free_port, wait_until_ready
from support.strokes import DIGITS

ROOT = Path(__file__).parent.parent
KERAS = ROOT / "tests" / "data" / "networks" / "keras-simple.onnx"
PICTURES = ("boat", "bug", "bus", "car", "espresso", "orange", "panda", "pepper", "pizza")
ROUNDS, ANSWERS = 5, 20
# How far a digit is moved, at most, as a share of the square: no two drawings are the same.
MOVED = 0.06

# Of this page, the last answer: {waited, passed}, in milliseconds; `waited` is for the service.
CLOCK = """() => {
  const main = document.querySelector("main");
  let started = null;
  for (const kind of ["pointerup", "click"]) {
    window.addEventListener(kind, (event) => {
      if (!event.target.closest(kind === "click" ? ".samples" : "#canvas")) return;
      started = event.timeStamp;
      window.timed = null;
    }, true);
  }
  new MutationObserver(() => {
    const from = started;
    if (from === null || main.dataset.state === "asking") return;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        // Another stroke has begun.
        if (from !== started || main.dataset.state === "asking") return;
        const asked = performance.getEntriesByType("resource")
          .filter((one) => one.name.includes("/explain/") && one.startTime >= from);
        const [starts, ends] = ["startTime", "responseEnd"].map((name) => asked.map((one) => one[name]));
        const waited = Math.max(...ends) - Math.min(...starts);
        performance.clearResourceTimings();
        window.timed = { waited, passed: performance.now() - from };
        started = null;
      };
      port2.postMessage(null);
    });
  }).observe(main, { attributeFilter: ["data-state"] });
}"""

LAST = """() => new Promise((done) => {
  const look = () => (window.timed ? done(window.timed) : setTimeout(look, 20));
  look();
})"""


@dataclass(frozen=True)
class Case:
    """What is measured: a network, a question about the regions, and the goal in milliseconds for 95 of 100."""

    model: str
    question: str
    goal: int

    def __str__(self) -> str:
        return f"{self.model}, {'fair shares' if self.question == 'shapley' else 'hide one'}"


CASES = [
    Case(model, question, goal)
    for model, goal in (("paired-3x3", 150), ("lenet-6x16", 150), ("keras-simple", 150), ("tiny-vgg", 250))
    for question in ("occlusion", "shapley")
]


@dataclass(frozen=True)
class Answer:
    """Milliseconds until an answer stood on the page, and of these the ones spent waiting for the service."""

    passed: float
    waited: float


def main(others: Sequence[Path]) -> None:
    checkouts = {"": ROOT, **{f"{path.name}: ": path.resolve() for path in others}}
    found: dict[tuple[Case, str], list[Answer]] = {(case, name): [] for case in CASES for name in checkouts}
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        models = Path(stack.enter_context(TemporaryDirectory()))
        _collect(models)
        browser = launch(stack.enter_context(sync_playwright()))
        pages = {
            name: stack.enter_context(opened(browser, stack.enter_context(_served(checkout, models)), failing=True))
            for name, checkout in checkouts.items()
        }
        for page in pages.values():
            page.evaluate(CLOCK)
        for turn in range(ROUNDS + 1):
            for case in CASES:
                for name, page in pages.items():
                    _choose(page, case)
                    answers = [_answer(page, case, turn * ANSWERS + k) for k in range(ANSWERS)]
                    # The first round warms up.
                    found[case, name] += answers if turn else []
    _print(found, f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} processors")


def _collect(models: Path) -> None:
    """Ours and Keras' in one folder."""
    for file in (ROOT / "models").iterdir():
        if file.suffix in {".json", ".safetensors"} and file.stem != "search":
            (models / file.name).symlink_to(file)
    options = ("--range", "0,1", "--preprocessing", "mnist", "--out", str(models))
    subprocess.run([sys.executable, "-m", "trainer", "import", str(KERAS), *options], cwd=ROOT, check=True)


@contextmanager
def _served(checkout: Path, models: Path) -> Iterator[str]:
    """``127.0.0.1:PORT`` of the service of a checkout."""
    port = free_port()
    settings = {"PYTHONPATH": str(checkout), "KONKYO_PORT": str(port), "KONKYO_MODELS": str(models)}
    process = subprocess.Popen(
        [sys.executable, "-m", "service"], cwd=checkout, env={**os.environ, **settings}, stdout=subprocess.DEVNULL
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _choose(page: Page, case: Case) -> None:
    page.bring_to_front()
    page.get_by_test_id("model").select_option(case.model)
    page.get_by_test_id(f"question-{case.question}").click()
    expect(page.locator("main")).to_have_attribute("data-state", "answered")


def _answer(page: Page, case: Case, number: int) -> Answer:
    """Of one more drawing or picture."""
    if case.model == "tiny-vgg":
        page.get_by_test_id(f"sample-photograph-{PICTURES[number % len(PICTURES)]}").click()
    else:
        page.get_by_test_id("canvas").hover()
        page.evaluate("document.querySelector('#clear').click()")
        right, down = np.random.default_rng(number).uniform(-MOVED, MOVED, 2)
        digits = sorted(DIGITS)
        strokes = DIGITS[digits[number % len(digits)]]
        draw(page, *([(x + right, y + down) for x, y in stroke] for stroke in strokes))
    return Answer(**page.evaluate(LAST))


def _print(found: dict[tuple[Case, str], list[Answer]], title: str) -> None:
    columns = ("", "median ms", "95 of 100 within ms", "goal", "of these within it", "median of the service")
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for (case, name), answers in found.items():
        passed = [one.passed for one in answers]
        within = sum(one <= case.goal for one in passed) / len(passed)
        waited = median(one.waited for one in answers)
        most = quantiles(passed, n=20)[-1]
        table.add_row(
            f"{name}{case}", f"{median(passed):.0f}", f"{most:.0f}", str(case.goal), f"{within:.0%}", f"{waited:.0f}"
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
