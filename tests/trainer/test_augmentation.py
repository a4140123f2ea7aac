from collections.abc import Callable

import numpy as np
import pytest
import torch

from konkyo.trainer.data import Labelled
from konkyo.trainer.training import augmentation
from konkyo.trainer.training.augmentation import SHIFT, SLANT, STRETCH, TURN, augment, card, with_copies

ROWS, COLUMNS = torch.meshgrid(torch.arange(28.0) - 13.5, torch.arange(28.0) - 13.5, indexing="ij")
SIDE = 28
CHANGES = {"TURN": TURN, "STRETCH": STRETCH, "SLANT": SLANT, "SHIFT": SHIFT}


def mean(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """(N,): the mean of ``values`` (28, 28) over an image, weighted by its ink."""
    return (images[:, 0] * values).sum((1, 2)) / images.sum((1, 2, 3))


def bar(across: bool) -> torch.Tensor:
    """500 images of a bar through the middle, 20 pixels long and 2 thick."""
    image = torch.zeros(500, 1, 28, 28)
    image[:, :, 4:24, 13:15] = 1
    return image.transpose(2, 3) if across else image


def tilt(images: torch.Tensor, across: bool) -> torch.Tensor:
    """(N,): the tangent of a bar's angle with its axis, from its second moments."""
    rows, columns = ROWS - mean(images, ROWS)[:, None, None], COLUMNS - mean(images, COLUMNS)[:, None, None]
    along = columns if across else rows
    ink = images[:, 0]
    return (ink * rows * columns).sum((1, 2)) / (ink * along**2).sum((1, 2))


def longer(images: torch.Tensor, across: bool) -> torch.Tensor:
    """(N,): a bar's length, as a share of what it was."""
    axis = COLUMNS if across else ROWS
    spread = mean(images, axis**2) - mean(images, axis) ** 2
    before = bar(across)[:1]
    return (spread / (mean(before, axis**2) - mean(before, axis) ** 2)).sqrt()


@pytest.mark.parametrize(
    ("change", "measure", "most"),
    [
        ("TURN", lambda images, across: tilt(images, across).abs(), TURN),
        ("STRETCH", lambda images, across: (longer(images, across) - 1).abs(), STRETCH),
        ("SHIFT", lambda images, across: mean(images, COLUMNS if across else ROWS).abs(), SHIFT * SIDE),
    ],
)
@pytest.mark.parametrize("across", [False, True])
def test_each_change_is_as_large_as_it_may_be_and_no_larger(
    change: str,
    measure: Callable[[torch.Tensor, bool], torch.Tensor],
    most: float,
    across: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in CHANGES:
        monkeypatch.setattr(augmentation, name, CHANGES[name] if name == change else 0.0)
    found = measure(augment(bar(across), 1), across)
    assert found.max() < most * 1.1 + 0.005
    assert found.max() > most * 0.85
    assert found.mean() == pytest.approx(most / 2, rel=0.2)


def test_a_slant_moves_rows_sideways(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHANGES:
        monkeypatch.setattr(augmentation, name, SLANT if name == "SLANT" else 0.0)
    upright, lying = augment(bar(False), 1), augment(bar(True), 1)
    assert tilt(upright, False).abs().max() == pytest.approx(SLANT, rel=0.1)
    assert tilt(lying, True).abs().max() < 0.005


def test_moves_nothing_where_nothing_may_move(monkeypatch: pytest.MonkeyPatch, digits: Labelled) -> None:
    for name in CHANGES:
        monkeypatch.setattr(augmentation, name, 0.0)
    images = torch.from_numpy(digits[:20].scaled(np.float32))[:, None]
    np.testing.assert_allclose(augment(images, 1).numpy(), images.numpy(), atol=1e-5)


def test_the_seed_decides_and_nothing_else() -> None:
    one = augment(bar(True), 1)
    torch.rand(3)
    assert torch.equal(augment(bar(True), 1), one)
    assert ((augment(bar(True), 2) - one).abs().sum((1, 2, 3)) > 0.01).all()


def test_what_validates_has_changed_copies_too(digits: Labelled) -> None:
    images, labels = with_copies(digits[:50])
    assert labels.tolist() == digits.labels[:50].tolist() * 9
    own, *copies = images.numpy()[:, 0].reshape(9, 50, 28, 28)
    np.testing.assert_array_equal(own, digits[:50].scaled(np.float32))
    for copy in copies:
        assert ((copy != own).any((1, 2))).mean() > 0.95
        assert copy.sum() == pytest.approx(own.sum(), rel=0.1)
    assert torch.equal(images, with_copies(digits[:50])[0]), "always the same"


def test_half_of_the_images_are_mirrored_where_that_shows_the_same() -> None:
    images = torch.zeros(400, 1, 28, 28)
    images[:, 0, 10:18, 3:7] = 1
    mirrored = (mean(augment(images, 1, mirror=True), COLUMNS) > 0).float().mean()
    assert 0.4 < mirrored < 0.6
    assert (mean(augment(images, 1), COLUMNS) < 0).all()
    assert (card(28, mirror=True).mirror, card(28, mirror=False).mirror) == (True, False)


def test_a_shift_grows_with_the_side_and_channels_move_together() -> None:
    assert (card(28, mirror=False).shift, card(64, mirror=False).shift) == (0.8, 1.828571)
    grey = torch.rand(30, 1, 40, 40, generator=torch.Generator().manual_seed(3))
    coloured = augment(torch.cat([grey, grey / 2, grey * 0 + 0.25], 1), 1)
    np.testing.assert_allclose(coloured[:, 1], coloured[:, 0] / 2, atol=1e-6)
    inner = slice(5, -5)
    np.testing.assert_allclose(coloured[:, :1, inner, inner], augment(grey, 1)[:, :, inner, inner], atol=1e-6)
    # What comes in from outside is the edge in colour, and empty in grey.
    np.testing.assert_allclose(coloured[:, 2], 0.25, atol=1e-6)
    assert augment(grey * 0 + 0.25, 1)[:, :, :, 0].min() < 0.2
