"""All intermediate results, and which of them are shown of wide networks. Oracle: the ledger and the trace, by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Stage, Wiring
from konkyo.models.filters.contributions import contributions, greatest
from konkyo.models.filters.process import MOST_NUMBERS, Process, usual_top
from tests.helpers.any_network import any_architectures, random_weights
from tests.helpers.asked import explain_process
from tests.helpers.examples import examples
from tests.helpers.oracles import F64

KERAS = Architecture((Stage(32, 3), Stage(64, 3)))


def image_of(architecture: Architecture, seed: int = 1) -> F64:
    return np.random.default_rng(seed).random(architecture.image_shape)


def map_of(architecture: Architecture, i: int, j: int) -> int:
    """The number of the map of the last stage that a pair belongs to."""
    inputs, filters = architecture.pairs
    of_group = inputs * filters // architecture.maps
    return int(i) // of_group * filters + int(j)


def answered_numbers(result: Process) -> int:
    """Numbers of an answer beside the contributions."""
    network, stages = result.network, enumerate(result.shown)
    maps = sum(
        result.trace.convolutions[n][0].size * len(shown) + result.trace.layers[n][0].size * len(shown)
        for n, shown in stages
    )
    filters = sum(network.weights[f"conv{n + 1}.weight"][0].size * len(shown) for n, shown in enumerate(result.shown))
    return int(maps + filters + result.passed.size + result.head.size + result.maps.size)


@given(any_architectures(most=4), st.integers(1, 12), st.booleans())
@examples(60)
def test_what_is_shown_is_what_matters_most(architecture: Architecture, top: int, compared: bool) -> None:
    network, image = random_weights(architecture, 2), image_of(architecture)
    versus = 0 if compared else None
    result = explain_process(network, image, 1, versus, top=top)
    ledger = contributions(network, image)
    added = ledger.contributions[1] - ledger.contributions[0] if compared else ledger.contributions[1]
    inputs, filters = architecture.pairs
    # No pair that is left out adds or takes more than one that is shown.
    pairs = {(int(i), int(j)) for i, j in result.pairs}
    assert len(pairs) == min(top, inputs * filters)
    assert result.pairs.tolist() == sorted(result.pairs.tolist())
    left = [abs(added[i, j]) for i in range(inputs) for j in range(filters) if (i, j) not in pairs]
    assert max(left, default=0) <= min(abs(added[pair]) for pair in pairs)
    # Nor does a map, by the sum over its pairs.
    last = len(architecture.stages) - 1
    worth = [np.abs(layer).max((1, 2)) for layer in result.trace.layers]
    for source in architecture.sources(last):
        if source:
            worth[source - 1] = np.array([sum(abs(added[i, j]) for j in range(filters)) for i in range(inputs)])
    worth[-1] = np.zeros(architecture.maps)
    for i, j in np.ndindex(inputs, filters):
        worth[-1][map_of(architecture, i, j)] += abs(added[i, j])
    for shown, values in zip(result.shown, worth, strict=True):
        assert len(shown) == min(top, len(values))
        assert shown.tolist() == sorted({*shown.tolist()})
        assert np.delete(values, shown).max(initial=-np.inf) <= values[shown].min()


@given(any_architectures(most=3))
@examples(30)
def test_the_head_times_what_is_passed_is_the_map(architecture: Architecture) -> None:
    network, image = random_weights(architecture, 3), image_of(architecture)
    result = explain_process(network, image, 1, top=7)
    ledger = contributions(network, image)
    position = {int(number): k for k, number in enumerate(result.head_maps)}
    for place, (i, j) in enumerate(result.pairs):
        number = map_of(architecture, i, j)
        for target in range(architecture.classes):
            product = result.head[target, position[number]] * result.passed[place]
            np.testing.assert_allclose(product, ledger.maps[target, i, j], rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.maps[place], ledger.maps[1, i, j], rtol=0, atol=1e-12)
    assert set(position) == {map_of(architecture, i, j) for i, j in result.pairs}


def test_small_networks_are_shown_whole_and_of_wide_ones_32_maps() -> None:
    architecture = Architecture((Stage(3, 5), Stage(3, 3, wiring=Wiring.PAIRED)))
    result = explain_process(random_weights(architecture, 1), image_of(architecture))
    assert [shown.tolist() for shown in result.shown] == [[0, 1, 2], [*range(9)]]
    assert result.pairs.tolist() == [[i, j] for i in range(3) for j in range(3)]
    result = explain_process(random_weights(KERAS, 1), image_of(KERAS))
    assert [len(shown) for shown in result.shown] == [32, 32]
    assert result.pairs.shape == (32, 2)
    assert answered_numbers(result) <= MOST_NUMBERS


def test_an_answer_is_never_too_large() -> None:
    # With 32 maps it would have half as many again.
    large = Architecture((Stage(64, 3, 1, pool=None),) * 2, side=26, channels=3)
    result = explain_process(random_weights(large, 1), image_of(large), budget=None)
    assert len(result.pairs) == usual_top(large) == 16
    assert answered_numbers(result) <= MOST_NUMBERS


def test_ties_go_to_the_lower_numbers() -> None:
    assert greatest(np.array([1.0, -2.0, 2.0, 0.5, -2.0]), 2).tolist() == [1, 2]
    assert greatest(np.array([0.0, 0.0]), None).tolist() == [0, 1]
