"""``python -m trainer explain``."""

from pathlib import Path
from typing import Annotated

import typer

from konkyo.models.files.card import Polarity
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.trainer.commands.options import ModelsOption, chosen
from konkyo.trainer.commands.terminal import console, counting, interruptible
from konkyo.trainer.data import find
from konkyo.trainer.dataset_file import NAME, describe
from konkyo.trainer.errors import DataError, RunError
from konkyo.trainer.explaining.choices import Engine, Explanation
from konkyo.trainer.processors import processors

# The test images of a folder that holds MNIST.
IMAGES = "t10k-images-idx3-ubyte"
SHARD = 1000


def explain(
    data: Annotated[
        Path, typer.Option(envvar="KONKYO_DATA", help=f"An IDX file of images, or a folder with {IMAGES}.")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the Parquet files; made where it is missing.")],
    model: Annotated[str, typer.Option(help="A checkpoint's name.")] = "paired-3x3",
    models_directory: ModelsOption = DIRECTORY,
    explanations: Annotated[
        list[Explanation] | None, typer.Option("--explanation", help="May be repeated.", show_default="all of them")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Only the first images.", show_default="all")] = None,
    engine: Annotated[Engine, typer.Option(help="Processes of this machine, or a Ray cluster.")] = Engine.LOCAL,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of the local engine.", show_default="one for each core")
    ] = None,
    shard: Annotated[int, typer.Option(min=1, help="Images in a file.")] = SHARD,
) -> None:
    """Predict and explain any number of images, and write all of it as Parquet files.

    Stop it at any time: the same command goes on where it was, and ends with the same files. For --engine ray the
    variable RAY_ADDRESS names a cluster, all of whose machines must see the same folders; without it this machine is
    one.
    """
    try:
        from konkyo.trainer.explaining.engines import run
        from konkyo.trainer.explaining.job import new_job
    except ModuleNotFoundError as error:
        raise RunError(f"the package {error.name} is not installed; pip install 'konkyo[cluster]' has it") from error

    [checkpoint] = chosen(models_directory, [model])
    wanted = list(Explanation) if explanations is None else explanations
    job = new_job(_file(data), images, checkpoint, models_directory, wanted, shard, out)
    left = job.begin()
    with interruptible("file"), counting(f"{checkpoint.name}, images") as begin:
        advance = begin(job.images)
        advance(job.images - sum(map(job.size, left)))
        for done in run(job, engine, workers or processors()):
            advance(job.size(done))
    console.print(f"{job.images:,} images in {job.shards:,} files in {out}", highlight=False, soft_wrap=True)


def _file(data: Path) -> Path:
    """The IDX file that is meant."""
    if not data.is_dir():
        return data
    found = find(data, IMAGES)
    said = describe(data)
    if said.transpose or said.polarity is Polarity.DARK_ON_LIGHT:
        raise DataError(
            f"{data / NAME} says that the images are inverted or transposed, and this command takes them as they are: "
            "name an IDX file of images that are light on dark and upright"
        )
    if found is None:
        raise DataError(f"{data} holds neither {IMAGES} nor {IMAGES}.gz; --data can name a file as well")
    return found
