"""The network in PyTorch, alone and several at once, against that of numpy; and how well one classifies."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.twin import Twin, twin
from konkyo.models.architecture import Architecture, parse_stages, written_stages
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Labelled
from konkyo.trainer.training.evaluation import Evaluation, evaluate
from konkyo.trainer.training.logits import centred
from konkyo.trainer.training.network import Ensemble, accuracies, at_random, exported
from tests.helpers.any_network import any_architectures, random_images, random_weights, torch_logits
from tests.helpers.any_network import given as taken
from tests.helpers.oracles import ARCHITECTURES, PAIRED, random_network, title

torch.set_num_threads(1)

# Both wirings, one without a bias, one with other kernels, one with other classes than digits.
VARIOUS = [PAIRED, *(ARCHITECTURES[place] for place in (3, 8, 11))]


@given(any_architectures(), st.integers(0, 2**32), st.integers(1, 5))
def test_any_network_is_numpys_and_that_of_pytorchs_functions(
    architecture: Architecture, seed: int, count: int
) -> None:
    """Three ways to pair: groups, planes, and gathered windows. One to six stages, padding, hidden layers, colour."""
    network = Network(architecture, random_weights(architecture, seed).weights)
    images = random_images(architecture, count, seed)
    with torch.no_grad():
        grouped = twin(network)(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(grouped, torch_logits(network, images), rtol=0, atol=1e-12)
    np.testing.assert_allclose(network.logits(taken(architecture, images)), grouped, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", VARIOUS, ids=title)
def test_what_is_exported_has_the_very_weights_and_probabilities(architecture: Architecture, digits: Labelled) -> None:
    """And an affine layer that sums to zero over the classes, which changes no probability."""
    torch.manual_seed(4)
    weights = at_random(architecture)
    found = exported(architecture, weights)
    assert found.architecture == architecture
    assert found.dtype == np.float32
    for name, parameter in weights.items():
        if name.startswith("affine"):
            kept = found.weights[name].astype(np.float64)
            expected = parameter.double()
            np.testing.assert_allclose(kept, (expected - expected.mean(0)).numpy(), rtol=0, atol=1e-7)
            assert np.abs(kept.sum(0)).max() < 1e-8
        else:
            assert found.weights[name].tolist() == parameter.tolist()
    images = digits.scaled(np.float32)[:20]
    with torch.no_grad():
        alone = twin(Network(architecture, {name: one.numpy() for name, one in weights.items()}))
        shares = alone(torch.from_numpy(images)[:, None]).softmax(1).numpy()
    np.testing.assert_allclose(softmax(found.logits(images)), shares, rtol=0, atol=1e-6)


def test_large_weights_too_sum_to_zero() -> None:
    weights = np.random.default_rng(1).normal(0, 30, (10, 500)).astype(np.float32)
    kept = centred(weights).astype(np.float64)
    assert np.abs(kept.sum(0)).max() < 1e-6
    # Nine roundings of weights up to 128 go to the tenth.
    np.testing.assert_allclose(kept, weights - weights.mean(0, dtype=np.float64), rtol=0, atol=9 * 2.0**-18)


@pytest.mark.parametrize("architecture", VARIOUS, ids=title)
def test_weights_start_as_those_of_pytorchs_layers(architecture: Architecture) -> None:
    torch.manual_seed(6)
    weights = at_random(architecture)
    torch.manual_seed(6)
    layers = Twin(architecture).state_dict()
    assert {name: one.tolist() for name, one in weights.items()} == {name: one.tolist() for name, one in layers.items()}


def some_networks(architecture: Architecture, count: int) -> list[Twin]:
    torch.manual_seed(3)
    return [Twin(architecture).double() for _ in range(count)]


def together_of(networks: list[Twin]) -> Ensemble:
    return Ensemble(networks[0].architecture, [network.state_dict() for network in networks])


@given(any_architectures(), st.integers(1, 4), st.integers(1, 5))
def test_every_network_answers_as_it_does_alone(architecture: Architecture, size: int, count: int) -> None:
    networks = some_networks(architecture, size)
    images = torch.from_numpy(random_images(architecture, count, size))
    with torch.no_grad():
        together = together_of(networks)(images)
        alone = torch.stack([network(images) for network in networks], 1)
    assert together.shape == (count, size, architecture.classes)
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=0, atol=1e-12)


# Colour, paired in the first stage and in the middle, padding, no pool, no bias, hidden layers.
DEEP = Architecture(parse_stages("2k3p1q,3k3nq,4k3u"), 16, 3, (9, 7))


@pytest.mark.parametrize("architecture", [*VARIOUS, DEEP], ids=lambda one: written_stages(one.stages))
def test_every_network_learns_as_it_does_alone(architecture: Architecture) -> None:
    networks = some_networks(architecture, 3)
    ensemble = together_of(networks)
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


def test_accuracies_are_each_networks() -> None:
    """Of more networks and images than are taken at a time."""
    networks = some_networks(PAIRED, 6)
    images, labels = torch.rand(50, 1, 28, 28, dtype=torch.float64), torch.arange(50) % 10
    expected = [int((network(images).argmax(1) == labels).sum()) / 50 for network in networks]
    assert len(set(expected)) > 1
    assert accuracies(together_of(networks), images, labels, chunk=20) == expected


def test_counts_predictions_one_by_one(digits: Labelled) -> None:
    network, some = random_network(PAIRED, 5, np.float32), digits[:300]
    exact = network.astype(np.float64)
    counted = [[0] * 10 for _ in range(10)]
    for image, label in zip(some.images, some.labels.tolist(), strict=True):
        logits = exact.logits(image / 255).tolist()
        counted[label][logits.index(max(logits))] += 1
    assert evaluate(network, some).confusion.tolist() == counted


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_accuracy_is_the_share_of_right_predictions(pairs: list[tuple[int, int]]) -> None:
    confusion = np.zeros((10, 10), np.int64)
    for truth, predicted in pairs:
        confusion[truth, predicted] += 1
    evaluation = Evaluation(confusion)
    assert evaluation.accuracy == sum(truth == predicted for truth, predicted in pairs) / len(pairs)
    for digit, share in enumerate(evaluation.per_class):
        shown = [predicted for truth, predicted in pairs if truth == digit]
        assert share == (shown.count(digit) / len(shown) if shown else 0)
