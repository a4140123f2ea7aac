import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from konkyo.models.architecture import Architecture  # noqa: E402
from konkyo.models.network import Network, softmax  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.training.network import TrainableNetwork, centred  # noqa: E402
from tests.helpers.any_network import any_architectures, random_images, random_weights, torch_logits  # noqa: E402
from tests.helpers.any_network import given as taken  # noqa: E402
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, random_network, title  # noqa: E402

torch.set_num_threads(1)


def trainable(network: Network) -> TrainableNetwork:
    """The same weights in PyTorch, in the same precision."""
    twin = TrainableNetwork(network.architecture).to(torch.float64 if network.dtype == np.float64 else torch.float32)
    twin.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in network.weights.items()})
    return twin


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_serves_what_was_trained(architecture: Architecture, dtype: type, tolerance: float, digits: Digits) -> None:
    network = random_network(architecture, 31, dtype)
    images = digits.scaled(dtype)[:60]
    with torch.no_grad():
        theirs = trainable(network)(torch.from_numpy(images)[:, None]).numpy()
    assert network.logits(images).dtype == dtype
    np.testing.assert_allclose(network.logits(images), theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@given(any_architectures(), st.integers(0, 2**32), st.integers(1, 5))
def test_any_network_is_numpys_and_that_of_pytorchs_functions(
    architecture: Architecture, seed: int, count: int
) -> None:
    """Three ways to pair: groups, planes, and gathered windows. One to six stages, padding, hidden layers, colour."""
    network = Network(architecture, random_weights(architecture, seed).weights)
    images = random_images(architecture, count, seed)
    with torch.no_grad():
        grouped = trainable(network)(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(grouped, torch_logits(network, images), rtol=0, atol=1e-12)
    np.testing.assert_allclose(network.logits(taken(architecture, images)), grouped, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_what_is_exported_has_the_very_weights_and_probabilities(architecture: Architecture, digits: Digits) -> None:
    """And an affine layer that sums to zero over the classes, which changes no probability."""
    torch.manual_seed(4)
    twin = TrainableNetwork(architecture)
    exported = twin.export()
    assert exported.architecture == architecture
    assert exported.dtype == np.float32
    assert sum(parameter.numel() for parameter in twin.parameters()) == architecture.parameters
    for name, parameter in twin.named_parameters():
        if name.startswith("affine"):
            kept = exported.weights[name].astype(np.float64)
            expected = parameter.detach().double()
            np.testing.assert_allclose(kept, (expected - expected.mean(0)).numpy(), rtol=0, atol=1e-7)
            assert np.abs(kept.sum(0)).max() < 1e-8
        else:
            assert exported.weights[name].tolist() == parameter.tolist()
    images = digits.scaled(np.float32)[:20]
    with torch.no_grad():
        shares = twin(torch.from_numpy(images)[:, None]).softmax(1).numpy()
    np.testing.assert_allclose(softmax(exported.logits(images)), shares, rtol=0, atol=1e-6)


def test_large_weights_too_sum_to_zero() -> None:
    weights = np.random.default_rng(1).normal(0, 30, (10, 500)).astype(np.float32)
    kept = centred(weights).astype(np.float64)
    assert np.abs(kept.sum(0)).max() < 1e-6
    # Nine roundings of weights up to 128 go to the tenth.
    np.testing.assert_allclose(kept, weights - weights.mean(0, dtype=np.float64), rtol=0, atol=9 * 2.0**-18)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_an_export_is_not_changed_by_further_training(architecture: Architecture) -> None:
    twin = TrainableNetwork(architecture)
    exported = twin.export()
    before = exported.weights["affine.bias"].tolist()
    with torch.no_grad():
        twin.get_parameter("affine.bias").add_(1)
    assert exported.weights["affine.bias"].tolist() == before
