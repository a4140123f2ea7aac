"""``python -m trainer import``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from konkyo.models.architecture import STAGES_SYNTAX, parse_stages
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.trainer.commands.options import DATA, DataOption, SideOption, check_name, data_set
from konkyo.trainer.commands.terminal import console
from konkyo.trainer.importing import architecture_of, network_of, publish_imported, read_weights


def import_weights(
    weights: Annotated[Path, typer.Argument(help="A state dict, as safetensors or .pt.", metavar="FILE")],
    name: Annotated[str, typer.Option(help="Of the checkpoint.")],
    stages: Annotated[str, typer.Option(help=f"{STAGES_SYNTAX}.")],
    side: SideOption = None,
    data_directory: DataOption = DATA,
    out: Annotated[
        Path, typer.Option(envvar="KONKYO_MODELS", help="Where the checkpoint and its card go.")
    ] = DIRECTORY,
) -> None:
    """Take the weights of a network that was trained elsewhere, and measure it on a data set."""
    check_name(name)
    shape, arrays = parse_stages(stages), read_weights(weights)
    first = arrays.get("conv1.weight")
    # A kernel for each channel says how many there are; with paired wiring all channels have the same kernels.
    colour = None if first is None or first.ndim != 4 or shape[0].paired else first.shape[1] == 3
    training, test = (data_set(data_directory, part, side, colour) for part in ("train", "t10k"))
    architecture = architecture_of(arrays, shape, test.side, test.channels, len(test.about.classes))
    published = publish_imported(name, network_of(arrays, architecture, test.about.classes), training, test, out)
    accuracy = published.card.accuracy
    console.print(
        f"{name} has {accuracy.test:.2%} accuracy on the {accuracy.test_images:,} test images, with "
        f"{published.card.parameters:,} parameters"
    )
    console.print(f"written: {escape(str(out / name))}.safetensors and .json  (sha256 {published.sha256[:12]}…)")
