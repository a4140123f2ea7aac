"""``python -m trainer study filters``."""

from typing import Annotated

import typer
from rich.markup import escape

from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, USAGE_SUFFIX
from konkyo.trainer.commands.options import (
    DATA,
    STUDIES,
    DataOption,
    ModelsOption,
    NamesOption,
    OutOption,
)
from konkyo.trainer.commands.studies import networks_with_images
from konkyo.trainer.commands.terminal import console, counting, print_written
from konkyo.trainer.studies.filters import study, told


def filters(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[
        int | None, typer.Option("--images", min=1, help="Only the first training images.", show_default="all")
    ] = None,
) -> None:
    """Count which filter pair contributes most, in 1,000 correctly predicted training images a class (3.2, Fig. 4).

    Writes NAME.usage.json beside the checkpoint, which the service serves and measures typicality by, and a figure.
    """
    from konkyo.trainer.figures import filters as figure

    for checkpoint, digits in networks_with_images(names, models_directory, data_directory, images, "train"):
        with counting(checkpoint.name) as begin:
            found = study(checkpoint, digits, begin(len(digits)))
        for line in told(checkpoint.network.classes, found.usage):
            console.print(escape(line), highlight=False, soft_wrap=True)
        usage_file.save(models_directory, checkpoint, found.usage)
        path = out / checkpoint.name / "filters.png"
        figure.draw(path, checkpoint.name, checkpoint.network, found.usage, found.maps)
        print_written(models_directory / f"{checkpoint.name}{USAGE_SUFFIX}", path)
