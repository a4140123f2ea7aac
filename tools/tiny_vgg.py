"""``python -m tools.tiny_vgg``: CNN Explainer's Tiny VGG as a sample network, with its pictures for the page.

The network and its pictures were made by the Polo Club of Data Science (MIT licence, which lies beside both). Pixels
enter it as 0…1. Part of ``make examples``.
"""

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.trainer.importing.command import run
from tools.examples import ROOT

NAME = "tiny-vgg"
FOLDER = ROOT / "tests" / "data" / "networks" / NAME
WEB = ROOT / "service" / "web" / "digits"
# What each picture shows, by the first part of its name.
SHOWN = {
    "boat": "lifeboat",
    "bug": "ladybug",
    "bus": "school bus",
    "car": "sport car",
    "espresso": "espresso",
    "orange": "orange",
    "panda": "red panda",
    "pepper": "bell pepper",
    "pizza": "pizza",
}


def main() -> int:
    file, classes = FOLDER / f"{NAME}.onnx", FOLDER / "classes.txt"
    with TemporaryDirectory() as folder:
        status = run([str(file), f"--classes={classes}", "--range=0,1", f"--out={folder}"], "konkyo import")
        if status:
            return status
        for made in Path(folder).iterdir():
            shutil.copyfile(made, DIRECTORY / made.name)
    (DIRECTORY / f"{NAME}.LICENSE").write_text((FOLDER / "LICENSE").read_text())
    network = load(DIRECTORY / f"{NAME}.safetensors").network
    pictures = []
    for path in sorted(FOLDER.glob("*.jpeg")):
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        short = path.stem.partition("_")[0]
        name, truth = f"photograph-{short}", network.classes.index(SHOWN[short])
        picture.save(WEB / f"{name}.png", optimize=True)
        predicted = int(network.logits(np.asarray(picture).transpose(2, 0, 1) / 255).argmax())
        pictures.append({"name": name, "truth": truth} | ({} if predicted == truth else {"predicted": predicted}))
    listed = json.loads((WEB / "samples.json").read_text())
    listed[NAME] = {"pictures": pictures}
    (WEB / "samples.json").write_text(json.dumps(listed, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
