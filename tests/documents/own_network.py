"""docs/own-network.md, followed from its beginning to its end: ``make documents``."""

import json
import re
import sys
from pathlib import Path

from support.pictures import sample
from tests.documents.reader import By, Followed, Left, Reader, Run, Save, Serve, Step

# What the reader trains with: PyTorch of those that run the tests, and what the document installs beside it.
PYTHON = f"PYTHONPATH=theirs KERAS_BACKEND=torch {sys.executable}"
# The last section brings the weights alone.
SAVED = "from safetensors.torch import save_file; save_file(network.state_dict(), 'mine.safetensors')"
# The document says "and train it", which calls the network, without which Keras does not export it.
CALLED = r"s/^model.export/import numpy; model(numpy.zeros((1, 28, 28, 1)))\nmodel.export/"
SAID = "text: mine: 8k5p2,16k5; 10 classes; grey images of 28×28; 7,"
IMPORT = ".venv/bin/konkyo import mine.onnx --range 0,1 --preprocessing mnist --out own"
SERVED = ".venv/bin/konkyo serve --models own --default-model mine"


def said_so(reader: Reader, said: str) -> None:
    """But for the difference, which is rounding. Keras' network is brought by the same command."""
    rounding = re.compile(r"at most \d\.\de-\d\d")
    assert rounding.sub("", said) == rounding.sub("", reader.pieces[SAID].code)
    theirs = reader.run(IMPORT.replace("mine.onnx", "theirs.onnx").replace("own", "other"))
    assert theirs.startswith("theirs: 32k3u,64k3u; 10 classes; grey images of 28×28; 34,730 parameters")


def a_digit(folder: Path) -> None:
    (folder / "digit.png").write_bytes(sample(7))


def serves_mine(reader: Reader, _: str) -> None:
    assert reader.answer("/models/mine")["imported"]["range_by"] == "asked for with --range"


def serves_it_alone(reader: Reader, _: str) -> None:
    listed = reader.answer("/models")
    assert ([one["name"] for one in listed["models"]], listed["default"]) == (["mine"], "mine")


def answers_for_mine(_: Reader, said: str) -> None:
    assert json.loads(said)["model"]["name"] == "mine"


def answers_for_the_three(_: Reader, said: str) -> None:
    assert json.loads(said)["target"] == 3


def has_the_same_stages(reader: Reader, _: str) -> None:
    one, other = (json.loads((reader.folder / "own" / f"{name}.json").read_text()) for name in ("mine", "from-weights"))
    assert one["stages"] == other["stages"]


def is_in_colour(_: Reader, said: str) -> None:
    assert said.startswith("tiny-vgg: 10k3n,10k3,10k3n,10k3; 10 classes; colour images of 64×64")


STEPS: dict[str, Step] = {
    "text: image   grey or colour, square, 8 to 224 pixels a side": Left("what fits"),
    "pip install onnx onnxscript": Run(
        instead=f"{sys.executable} -m pip install --quiet --target theirs -c constraints.txt onnx onnxscript keras"
    ),
    "python: import torch": Save(
        file="mine.py", instead=f"{PYTHON} -c \"exec(open('mine.py').read()); {SAVED}\" && test -s mine.onnx.data"
    ),
    "python: import keras": Save(file="theirs.py", instead=f"sed -i '{CALLED}' theirs.py && {PYTHON} theirs.py"),
    "make importer": Run(),
    IMPORT: Run(then=said_so),
    SERVED: Serve(then=serves_mine),
    SAID: By("tests/documents/own_network.py"),
    ".venv/bin/konkyo serve mine.onnx --range 0,1": Serve(then=serves_it_alone),
    "curl -F file=@digit.png 'localhost:8000/predict?fit=auto'": Run(before=a_digit, then=answers_for_mine),
    "curl -F file=@digit.png 'localhost:8000/explain/shapley?fit=auto&target=3'": Run(then=answers_for_the_three),
    "curl -F file=@digit.png 'localhost:8000/explain/occlusion?fit=auto&format=png&scale=2' > occlusion.png": Run(),
    ".venv/bin/konkyo import mine.safetensors --stages 8k5p2,16k5 --range 0,1 --name from-weights --out own": Run(
        then=has_the_same_stages
    ),
    "text: node conv2 (Conv): has a stride of 5×5; 1 to 4 fit": By("tests/data/refusals.json", "has a stride of 5×5"),
    ".venv/bin/konkyo import tests/data/networks/tiny-vgg/tiny-vgg.onnx "
    "--classes tests/data/networks/tiny-vgg/classes.txt --range 0,1 --out own": Run(then=is_in_colour),
}
FOLLOWED = Followed("docs/own-network.md", STEPS, SERVED)


def test_it_does_what_the_document_says(name: str, reader: Reader) -> None:
    reader.follow(name)
