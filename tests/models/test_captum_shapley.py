"""Captum's Shapley values, by every order of the players, as an oracle."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from captum.attr import ShapleyValues as CaptumShapleyValues  # noqa: E402

from konkyo.models.architecture import Architecture  # noqa: E402
from konkyo.models.files.checkpoint import load_all  # noqa: E402
from konkyo.models.hiding.shapley import shapley_values  # noqa: E402
from konkyo.models.network import Network  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from tests.helpers.combinations import cut  # noqa: E402
from tests.helpers.oracles import F64, PAIRED, SUMMED, random_network, title  # noqa: E402
from tests.helpers.torch_oracle import LayeredNetwork  # noqa: E402


def check(network: Network, image: F64, fill: float) -> None:
    """All other regions together are one more feature, with nothing to add."""
    result = shapley_values(network, image, 4, fill)
    players = np.argwhere(
        [[(image[4 * r : 4 * r + 4, 4 * c : 4 * c + 4] != fill).any() for c in range(7)] for r in range(7)]
    )
    mask = np.zeros((28, 28), np.int64)
    for number, (row, column) in enumerate(players.tolist()):
        mask[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = number + 1
    assert 3 <= len(players) <= 5
    captum = CaptumShapleyValues(LayeredNetwork(network))
    for target in (0, 7):
        attributed = captum.attribute(
            torch.from_numpy(image)[None, None],
            baselines=fill,
            target=target,
            feature_mask=torch.from_numpy(mask)[None, None],
            perturbations_per_eval=64,
        ).numpy()[0, 0]
        assert attributed[mask == 0] == pytest.approx(0, abs=1e-12)
        # Captum adds up in float32, whatever the network's precision.
        for row, column in players.tolist():
            assert result.values[target, row, column] == pytest.approx(
                attributed[4 * row, 4 * column], rel=4 * float(np.finfo(np.float32).eps), abs=1e-6
            )


@pytest.mark.parametrize("fill", [0.0, 0.6])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_captum_agrees(architecture: Architecture, fill: float, digits: Digits) -> None:
    check(random_network(architecture, 21), cut(digits, 2, fill, slice(12, 20), slice(12, 20)), fill)


def test_captum_agrees_on_a_shipped_network(digits: Digits) -> None:
    check(load_all()["lenet-6x16"].precise, cut(digits, 2, 0.0, slice(12, 20), slice(12, 20)), 0.0)
