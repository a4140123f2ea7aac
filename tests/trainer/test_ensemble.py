import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from konkyo.models.architecture import Architecture, parse_stages, written_stages  # noqa: E402
from konkyo.trainer.training.network import (  # noqa: E402
    Ensemble,
    TrainableNetwork,
    accuracies,
)
from tests.helpers.any_network import any_architectures, random_images  # noqa: E402
from tests.helpers.oracles import ARCHITECTURES, PAIRED, title  # noqa: E402

torch.set_num_threads(1)


def some_networks(architecture: Architecture, count: int) -> list[TrainableNetwork]:
    torch.manual_seed(3)
    return [TrainableNetwork(architecture).double() for _ in range(count)]


@given(any_architectures(), st.integers(1, 4), st.integers(1, 5))
def test_every_network_answers_as_it_does_alone(architecture: Architecture, size: int, count: int) -> None:
    networks = some_networks(architecture, size)
    images = torch.from_numpy(random_images(architecture, count, size))
    with torch.no_grad():
        together = Ensemble(networks)(images)
        alone = torch.stack([network(images) for network in networks], 1)
    assert together.shape == (count, size, architecture.classes)
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=0, atol=1e-12)


# Colour, paired in the first stage and in the middle, padding, no pool, no bias, hidden layers.
DEEP = Architecture(parse_stages("2k3p1q,3k3nq,4k3u"), 16, 3, (9, 7))


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, DEEP], ids=lambda one: written_stages(one.stages))
def test_every_network_learns_as_it_does_alone(architecture: Architecture) -> None:
    networks = some_networks(architecture, 3)
    ensemble = Ensemble(networks)
    shape = (6, architecture.channels, architecture.side, architecture.side)
    images, labels = torch.rand(shape, dtype=torch.float64), torch.arange(6)
    logits = ensemble(images).transpose(1, 2)
    losses = F.cross_entropy(logits, labels[:, None].expand(-1, 3), reduction="none").mean(0)
    names = [name for name, _ in networks[0].named_parameters()]
    together = torch.autograd.grad(losses.sum(), [ensemble.weights[name.replace(".", "_")] for name in names])
    for which, network in enumerate(networks):
        alone = torch.autograd.grad(F.cross_entropy(network(images), labels), list(network.parameters()))
        for name, one, other in zip(names, together, alone, strict=True):
            np.testing.assert_allclose(one[which].numpy(), other.numpy(), rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_networks_come_out_as_they_went_in(architecture: Architecture) -> None:
    torch.manual_seed(3)
    networks = [TrainableNetwork(architecture) for _ in range(3)]
    ensemble = Ensemble(networks)
    with torch.no_grad():
        ensemble.weights["affine_bias"][1] += 1
    for which, network in enumerate(networks):
        for name, weights in ensemble.network(which).state_dict().items():
            expected = network.state_dict()[name] + (1 if (which, name) == (1, "affine.bias") else 0)
            assert weights.tolist() == expected.tolist()


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_accuracies_are_each_networks(chunk: int) -> None:
    networks = some_networks(PAIRED, 3)
    images, labels = torch.rand(50, 1, 28, 28, dtype=torch.float64), torch.arange(50) % 10
    expected = [int((network(images).argmax(1) == labels).sum()) / 50 for network in networks]
    assert len(set(expected)) > 1
    assert accuracies(Ensemble(networks), images, labels, chunk) == expected
