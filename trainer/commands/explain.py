"""``python -m trainer explain``."""

from pathlib import Path
from typing import Annotated

import typer

from konkyo.models.files.checkpoint import DIRECTORY, SUFFIX, load
from konkyo.trainer.commands.options import ModelsOption, chosen, counting, interruptible, processors, tell
from konkyo.trainer.errors import RunError
from konkyo.trainer.explaining.choices import Engine, Explanation

SHARD = 1000


def explain(
    data: Annotated[
        Path,
        typer.Option(
            envvar="KONKYO_DATA",
            help="IDX, .npy, .npz, a picture, a .txt of paths, or a folder: of IDX files or of pictures, flat or one "
            "folder a class.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the Parquet files; made where it is missing.")],
    model: Annotated[str, typer.Option(help="A checkpoint's name, or the path of its file.")] = "paired-3x3",
    models_directory: ModelsOption = DIRECTORY,
    explanations: Annotated[
        list[Explanation] | None,
        typer.Option(
            "--explanation",
            help="May be repeated.",
            show_default="all that the network has but interactions, which are many",
        ),
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Only the first images.", show_default="all")] = None,
    engine: Annotated[Engine, typer.Option(help="Processes of this machine, or a Ray cluster.")] = Engine.LOCAL,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of the local engine.", show_default="one for each core")
    ] = None,
    shard: Annotated[int, typer.Option(min=1, help="Images in a file.")] = SHARD,
) -> None:
    """Predict and explain any number of images, and write all of it as Parquet files.

    Of a data set that is divided, those that test are taken. Pictures are brought to the size of the network as its
    card says, and each row names its file.

    Stop it at any time: the same command goes on where it was, and ends with the same files. For --engine ray the
    variable RAY_ADDRESS names a cluster, all of whose machines must see the same folders; without it this machine is
    one.
    """
    try:
        from konkyo.trainer.explaining.engines import run
        from konkyo.trainer.explaining.job import new_job
        from konkyo.trainer.explaining.table import usual
    except ModuleNotFoundError as error:
        raise RunError(
            f"the package {error.name} is not installed; `pip install 'konkyo[cluster]'` installs it"
        ) from error

    if model.endswith(SUFFIX):
        models_directory, checkpoint = Path(model).parent, load(Path(model))
    else:
        [checkpoint] = chosen(models_directory, [model])
    wanted = usual(checkpoint.network.architecture) if explanations is None else explanations
    job = new_job(data, images, checkpoint, models_directory, wanted, shard, out)
    left = job.begin()
    with interruptible("file"), counting(f"{checkpoint.name}, images") as begin:
        advance = begin(job.images)
        advance(job.images - sum(map(job.size, left)))
        for done in run(job, left, engine, workers or processors()):
            advance(job.size(done))
    tell([f"{job.images:,} images in {job.shards:,} files in {out}"])
