import numpy as np
import pytest

from konkyo.models.usage import Likeness, axes_of

# Two classes in maps of 5×5: one finds something in the first cell, the other in the last two.
FIRST = np.zeros((1, 5, 5))
FIRST[0, 0, 0] = 1
LAST = np.zeros((2, 1, 5, 5))
LAST[0, 0, 4, 3] = LAST[1, 0, 4, 4] = 1


@pytest.fixture
def likeness() -> Likeness:
    return Likeness(np.stack([axes_of(FIRST[None], 2), axes_of(LAST, 2)]), 0.3)


def test_the_axes_span_what_was_found(likeness: Likeness) -> None:
    assert likeness.axes.shape == (2, 2, 25)
    # One image has one axis; the other is zero.
    assert np.abs(likeness.axes[0]).sum() == pytest.approx(1)
    assert likeness.axes[1] @ likeness.axes[1].T == pytest.approx(np.eye(2))


def test_the_distance_is_the_share_that_no_subspace_holds(likeness: Likeness) -> None:
    mixed = LAST[0] + 0.5 * FIRST
    images = np.stack([FIRST, 7 * LAST.sum(0), mixed, np.roll(FIRST, 1), 0 * FIRST])
    assert likeness.distance(images) == pytest.approx([0, 0, 0.2, 1, 1], abs=1e-9)
    assert [likeness.is_unlike(image) for image in images] == [False, False, False, True, True]


def test_the_distance_of_one_image_is_a_number(likeness: Likeness) -> None:
    assert likeness.distance(FIRST).shape == ()
