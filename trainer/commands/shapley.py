"""``python -m trainer study shapley``."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.models.network import Array
from konkyo.trainer.commands.options import (
    DATA,
    RUNS,
    STUDIES,
    DataOption,
    ModelsOption,
    NamesOption,
    OutOption,
    RunsOption,
)
from konkyo.trainer.commands.studies import asked
from konkyo.trainer.commands.terminal import console, counting, interruptible, print_written
from konkyo.trainer.studies import shapley as study
from konkyo.trainer.studies.document import write
from konkyo.trainer.studies.shapley import CHECKED, ENOUGH, SEED, Baseline, Check, Measured

IMAGES = 20


def shapley(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[int, typer.Option(min=2, help=f"So many test images, drawn with seed {SEED}.")] = IMAGES,
    runs: RunsOption = RUNS,
) -> None:
    """Measure how wrong the usual approximations of Shapley values are; Captum's, which `make test` installs.

    Stop it at any time: the same command goes on where it was, and ends with the same numbers.
    """
    from konkyo.trainer.figures import shapley as figure

    baselines, left_out = _baselines()
    for line in left_out:
        console.print(escape(line), highlight=False)
    for checkpoint, digits in asked(names, models_directory, data_directory):
        which = study.chosen(len(digits), images)
        with interruptible("part"):
            ours = study.exact(checkpoint, digits, which, runs)
            with counting(f"{checkpoint.name}, baselines", len(baselines) * len(which)) as advance:
                measured = study.study(checkpoint, digits, which, runs, advance, baselines)
            with counting(f"{checkpoint.name}, check", len(baselines) * len(which[:CHECKED])) as advance:
                checks = study.check(checkpoint, digits, which, runs, advance, baselines, measured)
        console.print(_table(checkpoint.name, len(which), ours, measured, checks))
        written = out / checkpoint.name / "shapley.json", out / checkpoint.name / "shapley.png"
        write(written[0], study.document(checkpoint, which, ours, measured, checks, left_out))
        figure.draw(written[1], checkpoint.name, ours, measured)
        print_written(*written)


def _baselines() -> tuple[Sequence[Baseline], list[str]]:
    """Captum's, as far as they can be asked here, and what is left out and why."""
    has = "pip install 'konkyo[dev]' has it"
    try:
        from konkyo.trainer.studies.baselines import BASELINES, FITTED
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing not in {"captum", "torch"}:
            raise
        return [], [f"Captum's approximations are left out: {missing} is not installed; {has}"]
    if find_spec("sklearn") is not None:
        return BASELINES, []
    others = [one for one in BASELINES if not one.name.startswith(FITTED)]
    return others, [f"{' and '.join(FITTED)} are left out: scikit-learn is not installed; {has}"]


def _table(name: str, images: int, ours: Array, measured: Sequence[Measured], checks: dict[str, Check]) -> Table:
    caption = (
        "error: mean absolute error over the players by the mean absolute exact value, mean over the images; rank: "
        "Spearman's correlation with the exact values. exact: of all classes at once. ms: of the processor, one "
        f"image, median. For {ENOUGH:.0%}: evaluations with which the mean error is that; ~ follows from the last "
        f"point, with the time and error that were then measured on {CHECKED} images"
    )
    table = Table("", title=f"{name}, {images} images", caption=caption)
    columns = "evaluations", "error", "rank", "ms", f"for {ENOUGH:.0%}", "ms", "error"
    for column in columns:
        table.add_column(column, justify="right")
    table.add_row("exact", "", "0", "1", f"{np.median(ours):.1f}", "", "", "")
    for one in measured:
        for place in dict.fromkeys((0, len(one.ms[0]) // 2, len(one.ms[0]) - 1)):
            last = place == len(one.ms[0]) - 1
            table.add_row(
                one.name if place == 0 else "",
                f"{one.evaluations[:, place].mean():,.0f}",
                f"{one.error[:, place].mean():.1%}",
                f"{one.rank[:, place].mean():.3f}",
                f"{np.median(one.ms[:, place]):,.1f}",
                *(_enough(one, checks.get(one.name)) if last else ("", "", "")),
                end_section=last,
            )
    return table


def _enough(one: Measured, checked: Check | None) -> tuple[str, str, str]:
    """Evaluations for an error that is small enough, and their time and error, where these were measured."""
    needed = one.needed()
    if needed is None:
        return "never" if len(one.error[0]) > 1 and not one.converges else "–", "", ""
    evaluations, within = needed
    if checked is None:
        return f"{'' if within else '~'}{evaluations:,}", "", ""
    return f"~{evaluations:,}", f"{checked.ms:,.0f}", f"{checked.error:.1%}"
