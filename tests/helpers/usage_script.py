"""What ``NAME.usage.json`` must hold, computed from the checkpoint's tensors by a script of its own.

Nothing of ``models`` is used: sums over windows and winners are written out anew, for many images at once.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from safetensors.numpy import load_file

F64 = NDArray[np.float64]


def check(path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8], digits: Iterable[int] = range(10)) -> None:
    """The usage file of a checkpoint's ``path`` holds what these images give.

    ``digits`` are the classes to compare; what depends on all of them is compared only with all ten.
    """
    kept = json.loads(path.with_name(f"{path.stem}.usage.json").read_text())
    assert kept["searched"] == len(images)
    deviations = []
    for digit in digits:
        entry, mine = kept["classes"][digit], images[labels == digit]
        used = first_ones(path, mine / 255, digit, kept["per_class"])
        pairs = used.shape[1:]
        most = used.reshape(len(used), -1).argmax(-1)
        assert entry.get("class", entry.get("digit")) == digit
        assert entry["images"] == len(used)
        counts = np.array([(most == pair).sum() for pair in range(pairs[0] * pairs[1])])
        assert entry["firsts"] == counts.reshape(pairs).tolist()
        np.testing.assert_allclose(entry["mean"], used.mean(0), rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(entry["deviation"], used.std(0), rtol=1e-5, atol=1e-9)
        check_places(entry, counts / len(used), used.mean(0))
        deviations.append((used - used.mean(0)).reshape(len(used), -1))
    if len(deviations) == 10:
        check_distances(kept, deviations)


def check_places(entry: Any, shares: F64, means: F64) -> None:
    order = sorted(range(len(shares)), key=lambda pair: (-shares[pair], -means.ravel()[pair]))
    assert (entry["second"] is None) == (len(order) == 1)
    for pair, place in zip(order, [entry["first"], entry["second"]], strict=False):
        if place is not None:
            assert [place["map"], place["filter"]] == list(divmod(pair, means.shape[1]))
            assert place["share"] == pytest.approx(shares[pair])
            assert place["mean"] == pytest.approx(means.ravel()[pair], rel=1e-5)


def check_distances(kept: Any, deviations: list[F64]) -> None:
    everything = np.concatenate(deviations)
    covariance = sum(np.outer(one, one) for one in everything) / len(everything)
    np.testing.assert_allclose(kept["covariance"], covariance, rtol=1e-4, atol=1e-6)
    covariance = np.array(kept["covariance"])
    solid = covariance + 0.001 * covariance.diagonal().mean() * np.eye(len(covariance))
    for entry, some in zip(kept["classes"], deviations, strict=True):
        far = np.sqrt([one @ np.linalg.solve(solid, one) for one in some])
        np.testing.assert_allclose(entry["distances"], np.quantile(far, np.linspace(0, 1, 101)), rtol=1e-3)


def first_ones(path: Path, images: F64, digit: int, count: int) -> F64:
    """(N, A, B): what each pair adds to the digit's logit, in the first images that are predicted as it."""
    weights, found, taken = load_file(path), list[F64](), 0
    for start in range(0, len(images), 200):
        if taken < count:
            logits, contributions = ledger(weights, images[start : start + 200], digit)
            found.append(contributions[logits.argmax(-1) == digit])
            taken += len(found[-1])
    return np.concatenate(found)[:count]


def ledger(weights: dict[str, Any], images: F64, digit: int) -> tuple[F64, F64]:
    """The logits, (N, 10), and what each pair adds to the digit's, (N, A, B)."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    filters1, filters2 = len(w["conv1.weight"]), len(w["conv2.weight"])
    paired = w["conv2.weight"].shape[1] == 1 and w["affine.weight"].shape[1] == filters1 * filters2 * 25
    bias2 = w.get("conv2.bias", np.zeros(filters2))[:, None, None]

    conv1 = np.tensordot(sliding_window_view(images, (5, 5), (1, 2)), w["conv1.weight"][:, 0], ((3, 4), (1, 2)))
    conv1 = conv1.transpose(0, 3, 1, 2) + w["conv1.bias"][:, None, None]
    pool1 = np.maximum(cells(conv1).max(-1), 0)
    windows = sliding_window_view(pool1, (3, 3), (2, 3))
    heard = np.zeros((len(images), filters1, filters2, 10, 10))
    for i in range(filters1):
        for j in range(filters2):
            heard[:, i, j] = np.tensordot(windows[:, i], w["conv2.weight"][j, 0 if paired else i], 2)
    if paired:
        heard = heard + bias2
        whole = heard
    else:
        whole = heard.sum(1, keepdims=True) + bias2
    candidates = cells(whole)
    won = np.eye(4)[candidates.argmax(-1)]
    pooled = np.maximum(candidates.max(-1), 0)
    logits = pooled.reshape(len(images), -1) @ w["affine.weight"].T + w["affine.bias"]
    passed = (cells(heard) * won).sum(-1) * (pooled > 0)
    maps = w["affine.weight"][digit].reshape(pooled.shape[1:]) * passed
    return logits, maps.sum((-2, -1))


def cells(maps: F64) -> F64:
    """(..., 2h, 2w) → (..., h, w, 4): what each pooling cell chooses from."""
    return np.stack([maps[..., 0::2, 0::2], maps[..., 0::2, 1::2], maps[..., 1::2, 0::2], maps[..., 1::2, 1::2]], -1)
