import numpy as np
import pytest

torch = pytest.importorskip("torch")

from konkyo.trainer import augmentation  # noqa: E402
from konkyo.trainer.augmentation import augment, augmented, document  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402


def test_moves_every_image_a_little_and_differently() -> None:
    torch.manual_seed(1)
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 13:15, 13:15] = 1
    after = augment(dot)
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    mass = after.sum((1, 2, 3))
    centres = torch.stack([(after[:, 0] * axis).sum((1, 2)) / mass for axis in (rows, columns)], 1) - 13.5
    # At most 2 pixels of shift, stretched by a tenth at most.
    assert 1.5 < centres.abs().max() < 2.6
    assert len({tuple(centre) for centre in centres.numpy().round(3).tolist()}) > 190
    np.testing.assert_allclose(centres.mean(0).numpy(), 0, atol=0.3)


def test_a_smaller_strength_moves_less() -> None:
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 13:15, 13:15] = 1
    reach = []
    for strength in (0.0, 0.4, 1.0):
        torch.manual_seed(1)
        changed = (augment(dot, strength) - dot).abs().sum((1, 2, 3))
        reach.append(float(changed.mean()))
    assert reach[0] == pytest.approx(0, abs=1e-4)
    assert 0.3 < reach[1] < 0.7 * reach[2]


def test_moves_nothing_where_nothing_may_move(monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    for name in ("TURN", "STRETCH", "SLANT", "SHIFT"):
        monkeypatch.setattr(augmentation, name, 0.0)
    images = torch.from_numpy(digits[:20].scaled(np.float32))[:, None]
    np.testing.assert_allclose(augment(images).numpy(), images.numpy(), atol=1e-5)


def test_what_validates_has_augmented_copies_too(digits: Digits) -> None:
    images, labels = augmented(digits[:50], 2)
    assert labels.tolist() == digits.labels[:50].tolist() * 3
    own, *copies = images.numpy()[:, 0].reshape(3, 50, 28, 28)
    np.testing.assert_array_equal(own, digits[:50].scaled(np.float32))
    for copy in copies:
        assert ((copy != own).any((1, 2))).mean() > 0.95
        assert copy.sum() == pytest.approx(own.sum(), rel=0.1)
    assert torch.equal(images, augmented(digits[:50], 2)[0]), "always the same"
    assert torch.equal(augmented(digits[:50], 0)[0], images[:50])


def test_half_of_the_copies_are_mirrored_where_that_shows_the_same() -> None:
    images = torch.zeros(400, 1, 28, 28)
    images[:, 0, 10:18, 3:7] = 1
    torch.manual_seed(1)
    across = (augment(images, 0.4, mirror=True)[:, 0] * torch.arange(28.0)).sum((1, 2)) / images[0].sum()
    mirrored = (across > 13.5).float().mean()
    assert 0.4 < mirrored < 0.6
    torch.manual_seed(1)
    assert ((augment(images, 0.4)[:, 0] * torch.arange(28.0)).sum((1, 2)) / images[0].sum() < 13.5).all()
    assert document(8, mirror=True) == {**(document(8) or {}), "mirror": True}
