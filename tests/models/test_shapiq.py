"""Values and interactions beside shapiq's, which enumerates all combinations: ``make peers``."""

import numpy as np
import pytest

pytest.importorskip("shapiq", reason="shapiq is not installed")

from numpy.typing import NDArray
from shapiq.game_theory.exact import ExactComputer

from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Labelled
from tests.helpers.asked import explain_shapley

# 2¹⁰ forward passes for each image.
MOST_PLAYERS = 10


def enumerated(network: Network, image: Array, masks: NDArray[np.bool_], target: int) -> ExactComputer:
    """What shapiq makes of the logits of all images with some regions hidden, each by a forward pass."""

    def game(coalitions: NDArray[np.bool_]) -> Array:
        hidden = np.einsum("kp,pyx->kyx", ~np.asarray(coalitions, bool), masks.astype(int)) > 0
        return network.logits(np.where(hidden, 0.0, image))[:, target]

    return ExactComputer(game, n_players=len(masks))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["paired-3x3", "summed-3x3", "lenet-6x16"])
def test_values_and_interactions(digits: Labelled, name: str) -> None:
    network, regions = load_all()[name].precise, Regions(4)
    hiding = Hiding(regions)
    few = [image for image in digits.scaled(np.float64)[:300] if 4 <= hiding.changed(image).sum() <= MOST_PLAYERS]
    assert len(few) >= 3
    for image in few[:3]:
        players = np.flatnonzero(hiding.changed(image))
        found = explain_shapley(network, image, interactions=True)
        theirs = enumerated(network, image, regions.masks.reshape(-1, 28, 28)[players], found.target)
        values = theirs("SV").get_n_order_values(1)
        np.testing.assert_allclose(found.values.ravel()[players], values, rtol=0, atol=1e-9)
        assert found.interactions is not None
        ours = found.interactions.values[np.ix_(players, players)]
        np.testing.assert_allclose(ours, theirs("SII", 2).get_n_order_values(2), rtol=0, atol=1e-9)
        assert np.abs(ours).max() > 0.1
