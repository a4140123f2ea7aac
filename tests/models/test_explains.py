"""What can be asked of a network is what it answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.errors import ParameterError
from konkyo.models.hiding.cost import Explains, Limit, explains
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import explain_shapley
from tests.helpers.any_network import any_architectures, random_weights
from tests.helpers.examples import examples

KERAS = Architecture((Stage(32, 3), Stage(64, 3)))
PYTORCH = Architecture((Stage(32, 3, pool=False), Stage(64, 3)), hidden=(128,))
TINY_VGG = Architecture(
    (Stage(10, 3, pool=False), Stage(10, 3), Stage(10, 3, pool=False), Stage(10, 3)), side=64, channels=3
)


def found(architecture: Architecture) -> dict[str, Explains]:
    return {one.operation: one for one in explains(architecture)}


def test_of_the_papers_network() -> None:
    small = "a cell sees up to 25 regions, and all their combinations take more than 64 MiB"
    exact = 4, tuple(range(4, 15)), (Limit("region 1 to 3", small),)
    assert explains(two_stages(Wiring.PAIRED, 3, 3)) == (
        Explains("predict", None, (), ()),
        Explains("filters", None, (), ()),
        Explains("process", None, (), ()),
        Explains("occlusion", 2, tuple(range(1, 15)), ()),
        Explains("shapley", *exact),
        Explains("grounds", *exact),
    )


def test_of_many_pairs() -> None:
    why = "typicality is there for at most 256 pairs, and this network has 2,048"
    for operation in ("filters", "process"):
        assert found(KERAS)[operation].cannot == (Limit("typicality", why),)


def test_of_a_network_that_takes_no_image() -> None:
    """Or none whose logits are split by pair."""
    too_wide = Limit("image", "one image takes this network more than 64 MiB")
    deep = found(Architecture((Stage(64, 3, 1, pool=False),) * 6, 64, 3, classes=2))
    assert deep["predict"].cannot == ()
    assert too_wide in deep["filters"].cannot
    assert too_wide in deep["process"].cannot
    paired = (Stage(64, 1, pool=False), Stage(64, 1, pool=False, wiring=Wiring.PAIRED))
    assert found(Architecture(paired, side=64))["predict"].cannot == (too_wide,)


def test_of_hidden_layers() -> None:
    pairs = Limit("pairs", "with hidden affine layers the head differs from hiding to hiding")
    many = Limit("region 1 to 6", "with hidden affine layers hiding may change at most 16 regions, not 25")
    assert found(PYTORCH)["shapley"] == Explains("shapley", 7, tuple(range(7, 15)), (many, pairs))
    assert found(PYTORCH)["grounds"] == Explains("grounds", 7, tuple(range(7, 15)), (many,))


def test_of_colour() -> None:
    """In a photograph every region plays: proofs take larger ones."""
    assert [found(TINY_VGG)[operation].region for operation in ("occlusion", "shapley", "grounds")] == [4, 8, 16]


def test_of_what_is_too_large() -> None:
    huge = found(Architecture((Stage(64, 3, 1, pool=False),) * 6, side=64, channels=3))
    assert huge["shapley"].regions == ()
    assert huge["occlusion"].region == 32


@given(any_architectures(most=3), st.integers(1, 13))
@examples(40)
def test_every_side_that_is_named_is_answered(architecture: Architecture, region: int) -> None:
    """Of an image that hiding changes everywhere; and no other side is."""
    if region > architecture.side // 2:
        return
    network = random_weights(architecture, 1)
    image = np.random.default_rng(1).uniform(0.1, 1, architecture.image_shape)
    regions = Regions(region, side=architecture.side)
    if region in found(architecture)["occlusion"].regions:
        assert occlude(network, image, hiding=Hiding(regions)).drop.shape == regions.grid
    if region in found(architecture)["shapley"].regions:
        assert explain_shapley(network, image, region=region).values.shape == regions.grid
    else:
        with pytest.raises(ParameterError, match=r"^region: "):
            explain_shapley(network, image, region=region)
