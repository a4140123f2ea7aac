"""``python -m trainer import``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from konkyo.models.architecture import Wiring
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.trainer.commands.options import DATA, DataOption, check_name, data_set
from konkyo.trainer.commands.terminal import console
from konkyo.trainer.importing import network_of, publish_imported, read_weights


def import_weights(
    weights: Annotated[Path, typer.Argument(help="A state dict, as safetensors or .pt.", metavar="FILE")],
    name: Annotated[str, typer.Option(help="Of the checkpoint.")],
    wiring: Annotated[Wiring, typer.Option(help="What conv2 does with the maps it gets.")] = Wiring.SUMMED,
    data_directory: DataOption = DATA,
    out: Annotated[
        Path, typer.Option(envvar="KONKYO_MODELS", help="Where the checkpoint and its card go.")
    ] = DIRECTORY,
) -> None:
    """Take the weights of a network of this family that was trained elsewhere, and measure it on a data set."""
    check_name(name)
    arrays = read_weights(weights)
    training, test = data_set(data_directory, "train"), data_set(data_directory, "t10k")
    published = publish_imported(name, network_of(arrays, wiring, test.about.classes), training, test, out)
    accuracy = published.card["accuracy"]
    console.print(
        f"{name} has {accuracy['test']:.2%} accuracy on the {accuracy['test_images']:,} test images, with "
        f"{published.card['parameters']:,} parameters"
    )
    console.print(f"written: {escape(str(out / name))}.safetensors and .json  (sha256 {published.sha256[:12]}…)")
