"""``python -m trainer study consistency``."""

from typing import Annotated

import typer
from rich.table import Table

from konkyo.models.files.checkpoint import DIRECTORY
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
from konkyo.trainer.studies.consistency import MAPS, document, parts, study
from konkyo.trainer.studies.document import write


def consistency(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[int, typer.Option(min=25, help="Only the first test images.")] = 1000,
    runs: RunsOption = RUNS,
) -> None:
    """Compare the explanations of the networks of all seeds: do they have the same reasons?

    It needs the runs of `trainer train`. Stop it at any time: the same command goes on where it was.
    """
    from konkyo.trainer.figures import consistency as figure
    from konkyo.trainer.seeds import networks_of_seeds

    for checkpoint, digits in asked(names, models_directory, data_directory, images):
        networks = networks_of_seeds(checkpoint, runs)
        with interruptible("part"), counting(checkpoint.name, parts(digits)) as advance:
            found = study(checkpoint, networks, digits, runs, advance)
        numbers = document(checkpoint, networks, found)
        table = Table("", title=f"{checkpoint.name}: {len(networks)} networks, {len(found.place):,} images")
        table.add_column("between networks", justify="right")
        table.add_column("with the ink", justify="right")
        for name in MAPS:
            one = numbers["maps"][name]
            table.add_row(name, *(f"{mean:.3f} ± {half:.3f}" for mean, half in one.values()))
        console.print(table)
        for name, (mean, half) in numbers["sufficient_sets"].items():
            console.print(f"sufficient sets, {name.replace('_', ' ')}: {mean:.3f} ± {half:.3f}", highlight=False)
        written = out / checkpoint.name / "consistency.json", out / checkpoint.name / "consistency.png"
        write(written[0], numbers)
        figure.draw(written[1], checkpoint.name, digits, found)
        print_written(*written)
