"""Batch normalisation while networks learn, against its formula; and what becomes of it in the weights."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.twin import Twin
from konkyo.models.architecture import Architecture, Wiring, parse_stages, two_stages, written_stages
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.network import Ensemble, accuracies, pooled
from konkyo.trainer.training.recipe import BEST
from tests.helpers.oracles import PAIRED
from tests.helpers.refuse import refuses
from tests.helpers.runs import SHORT, run_of

# Colour, paired in the first stage and in the middle, padding, no pool, hidden layers.
DEEP = Architecture(parse_stages("2k3p1q,3k3nq,4k3"), 16, 3, (9, 7))
KINDS = "weight", "bias"
# As cards had it.
OLDER = {name: value for name, value in asdict(BEST).items() if name != "batch_norm"}
every_kind = pytest.mark.parametrize("shape", [PAIRED, DEEP], ids=lambda one: written_stages(one.stages))


def ensemble_of(shape: Architecture, count: int) -> tuple[list[Twin], Ensemble]:
    torch.manual_seed(3)
    networks = [Twin(shape).double() for _ in range(count)]
    ensemble = Ensemble(shape, [network.state_dict() for network in networks], batch_norm=True)
    with torch.no_grad():
        for name, weights in ensemble.weights.items():
            if name.startswith("norm"):
                weights.uniform_(0.5, 1.5)
    return networks, ensemble


def alone(ensemble: Ensemble, which: int) -> Twin:
    network = Twin(ensemble.architecture).double()
    network.load_state_dict(ensemble.network(which))
    return network


def images_of(shape: Architecture, count: int) -> Any:
    return torch.rand((count, shape.channels, shape.side, shape.side), dtype=torch.float64)


def by_formula(network: Twin, scales: list[Any], shifts: list[Any], images: Any) -> tuple[Any, list[Any]]:
    """Logits, and each stage's means and variances: of all pixels of a batch that one filter gives."""
    maps, moments = images, []
    for number, stage in enumerate(network.architecture.stages, 1):
        inputs = [maps[:, place : place + 1] for place in range(maps.shape[1])] if stage.paired else [maps]
        convolution = network.get_submodule(f"conv{number}")
        convolved = torch.stack([convolution(one) for one in inputs], 1)
        mean = convolved.mean((0, 1, 3, 4), keepdim=True)
        variance = ((convolved - mean) ** 2).mean((0, 1, 3, 4), keepdim=True)
        moments.append((mean.flatten(), variance.flatten(), convolved.numel() // stage.filters))
        normal = (convolved - mean) / (variance + 1e-5).sqrt()
        normal = scales[number - 1][:, None, None] * normal + shifts[number - 1][:, None, None]
        maps = pooled(stage, normal.flatten(1, 2))
    values = maps.flatten(1)
    *hidden, (last, *_) = network.architecture.head
    for name, *_ in hidden:
        values = network.get_submodule(name)(values).relu()
    return network.get_submodule(last)(values), moments


@every_kind
def test_while_it_learns_it_is_the_formula(shape: Architecture) -> None:
    networks, ensemble = ensemble_of(shape, 3)
    images = images_of(shape, 7)
    with torch.no_grad():
        together = ensemble(images)
        for which, network in enumerate(networks):
            numbers = range(1, len(shape.stages) + 1)
            scales, shifts = ([ensemble.weights[f"norm{n}_{kind}"][which] for n in numbers] for kind in KINDS)
            one, moments = by_formula(network, scales, shifts, images)
            np.testing.assert_allclose(together[:, which], one, rtol=0, atol=1e-10)
            # The running means start at 0 and 1, and take a fiftieth of each batch; of n pixels n − 1 count.
            for number, (mean, variance, pixels) in enumerate(moments, 1):
                kept = ensemble.get_buffer(f"norm{number}_mean")[which]
                np.testing.assert_allclose(kept, 0.02 * mean, rtol=0, atol=1e-12)
                kept = ensemble.get_buffer(f"norm{number}_variance")[which]
                np.testing.assert_allclose(kept, 0.98 + 0.02 * variance * pixels / (pixels - 1), rtol=0, atol=1e-12)


@every_kind
def test_what_it_has_learnt_is_part_of_the_weights(shape: Architecture) -> None:
    _, ensemble = ensemble_of(shape, 3)
    images = images_of(shape, 9)
    with torch.no_grad():
        for _ in range(20):
            ensemble(images)
        ensemble.eval()
        together, kept = ensemble(images), ensemble.kept(torch.tensor([2, 0])).eval()(images)
        each = torch.stack([alone(ensemble, which)(images) for which in range(3)], 1)
    np.testing.assert_allclose(together, each, rtol=0, atol=1e-10)
    np.testing.assert_allclose(kept, together[:, [2, 0]], rtol=0, atol=1e-10)


def test_accuracies_are_of_what_is_left_and_change_nothing() -> None:
    _, ensemble = ensemble_of(PAIRED, 3)
    images, labels = images_of(PAIRED, 50), torch.arange(50) % 10
    with torch.no_grad():
        for _ in range(20):
            ensemble(images)
    before = {name: values.tolist() for name, values in ensemble.state_dict().items()}
    found = accuracies(ensemble, images, labels)
    expected = [(alone(ensemble, which)(images).argmax(1) == labels).sum().item() / 50 for which in range(3)]
    assert found == expected
    assert {name: values.tolist() for name, values in ensemble.state_dict().items()} == before
    assert ensemble.training


def test_a_stage_without_a_bias_is_refused(few: Labelled, tmp_path: Path) -> None:
    message = (
        "batch normalisation becomes part of the biases, and a stage without a bias (u) has none: give every stage a "
        "bias, or train without --batch-norm"
    )
    shape = two_stages(Wiring.SUMMED, 2, 3, bias=False)
    with refuses(RunError, message):
        run_of(shape, replace(SHORT, batch_norm=True), [1], few, tmp_path / "state.pt")
