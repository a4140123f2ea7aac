"""Files that are broken, foreign or hostile: none is read, and every refusal is a CheckpointError."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY, load
from tests.helpers.documents import TINY, refused, write
from tests.helpers.examples import examples


@pytest.mark.threat("pickle checkpoints")
def test_refuses_a_file_that_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 11), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert refused(path).field == "file", length
    path.write_bytes(whole)
    assert load(path).name == "tiny"


@pytest.mark.threat("pickle checkpoints", "every byte of a checkpoint")
def test_refuses_a_change_of_any_single_byte(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    flips = np.random.default_rng(1).integers(1, 256, len(whole))
    assert len(whole) > 4 * TINY.parameters
    for position, flip in enumerate(flips.tolist()):
        damaged = bytearray(whole)
        damaged[position] ^= flip
        path.write_bytes(damaged)
        refused(path)
    path.write_bytes(whole)
    assert load(path).name == "tiny"


@pytest.mark.threat("every byte of a checkpoint")
@pytest.mark.parametrize("source", sorted(DIRECTORY.glob("*.safetensors")), ids=lambda path: path.stem)
def test_refuses_a_change_of_some_bytes_of_what_is_shipped(source: Path, times: int, tmp_path: Path) -> None:
    shutil.copy(source.with_suffix(".json"), tmp_path)
    path = Path(shutil.copy(source, tmp_path))
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    for position in rng.integers(0, len(whole), 10 * times).tolist():
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        refused(path)


def test_a_change_in_the_card_is_refused_or_says_the_same(tmp_path: Path) -> None:
    path = write(tmp_path)
    card, true = path.with_suffix(".json"), load(path).card
    whole = card.read_bytes()
    refusals = 0
    # Every third byte, and of these each of the eight bits.
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        card.write_bytes(damaged)
        try:
            accepted = load(path).card
        except CheckpointError:
            refusals += 1
        else:
            assert accepted == true  # another kind of white space
    assert refusals > 0.95 * len(whole) / 3


@examples(50)
@given(st.binary(max_size=200))
def test_refuses_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(content)
    assert refused(path).field == "file"


class Bomb:
    """Unpickled, it would leave a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.threat("pickle checkpoints")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_never_unpickles(protocol: int, tmp_path: Path) -> None:
    path, trace = tmp_path / "pickled.safetensors", tmp_path / "unpickled"
    path.write_bytes(pickle.dumps(Bomb(trace), protocol))
    path.with_suffix(".json").write_bytes(pickle.dumps(Bomb(trace), protocol))
    assert refused(path).field == "file"
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - the bomb is a true one
    assert trace.exists()
