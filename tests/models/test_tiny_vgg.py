"""CNN Explainer's Tiny VGG, trained by others, on its own photographs: 64×64 in colour, four stages."""

import numpy as np
import onnx
import pytest
from PIL import Image

from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.contributions import contributions
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.regions import Regions
from konkyo.models.hiding.shapley import additive_values
from konkyo.models.network import Network
from support.folders import DATA
from tests.helpers.any_network import torch_logits
from tests.helpers.oracles import F64

FOLDER = DATA / "networks" / "tiny-vgg"
PICTURES = sorted(FOLDER.glob("*.jpeg"))


@pytest.fixture(scope="module")
def network() -> Network:
    return load(DIRECTORY / "tiny-vgg.safetensors").precise


def photograph(name: str) -> F64:
    with Image.open(FOLDER / f"{name}.jpeg") as picture:
        pixels: F64 = np.asarray(picture.convert("RGB").resize((64, 64))).transpose(2, 0, 1) / 255
    return pixels


@pytest.mark.parametrize(("name", "region"), [(PICTURES[0].stem, 8), (PICTURES[1].stem, 16)])
def test_random_hidings_are_pytorchs(name: str, region: int, network: Network) -> None:
    image, regions = photograph(name), Regions(region, side=64)
    games = class_games(network, image, region)
    visible = np.random.default_rng(region).random((24, regions.count)) < np.linspace(0, 1, 24)[:, None]
    masks = regions.masks.reshape(-1, 64, 64)
    gone = np.einsum("nr,ryx->nyx", ~visible, masks) > 0
    logits = torch_logits(network, np.where(gone[:, None], 0.0, image))
    np.testing.assert_allclose(games.values(visible), logits, rtol=0, atol=1e-9)
    whole, empty = (torch_logits(network, some[None])[0] for some in (image, np.zeros_like(image)))
    np.testing.assert_allclose(additive_values(games).sum((1, 2)), whole - empty, rtol=0, atol=1e-9)
    np.testing.assert_allclose(contributions(network, image).residual, 0, rtol=0, atol=1e-9)


def test_photographs_are_read(network: Network) -> None:
    """All but the pizza: with pixels in another range than 0…1, fewer were."""
    read = {path.stem[:-2]: network.classes[int(network.logits(photograph(path.stem)).argmax())] for path in PICTURES}
    assert read == {
        "boat": "lifeboat",
        "bug": "ladybug",
        "bus": "school bus",
        "car": "sport car",
        "espresso": "espresso",
        "orange": "orange",
        "panda": "red panda",
        "pepper": "bell pepper",
        "pizza": "red panda",
    }


def test_it_is_the_file_of_others(network: Network) -> None:
    numbers = {"conv1": 0, "conv2": 2, "conv3": 5, "conv4": 7, "affine": 11}
    for one in onnx.load(FOLDER / "tiny-vgg.onnx").graph.initializer:
        number, _, part = one.name.partition(".")
        for ours, theirs in numbers.items():
            if number == str(theirs):
                np.testing.assert_array_equal(network.weights[f"{ours}.{part}"], onnx.numpy_helper.to_array(one))
    assert network.classes == tuple((FOLDER / "classes.txt").read_text().splitlines())
