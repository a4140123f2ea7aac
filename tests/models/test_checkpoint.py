"""A checkpoint is stored and read back; weights that are not the architecture's are refused."""

import base64
import hashlib
import json
import tempfile
import tracemalloc
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.errors import CheckpointError
from konkyo.models.files.card import Card
from konkyo.models.files.checkpoint import load, load_all, save
from konkyo.models.network import Network
from tests.helpers.any_network import any_architectures, random_weights
from tests.helpers.documents import NETWORK, TINY, changed, complaint, document, refused, spelled, tensors, write
from tests.helpers.examples import examples
from tests.helpers.old_cards import older
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses


def test_round_trip(tmp_path: Path) -> None:
    """In float32, whatever it was trained in, with the names of its classes."""
    architecture = two_stages(Wiring.PAIRED, 2, 3, bias=False, classes=2)
    network = Network(architecture, random_network(architecture, 1).weights, ("left", "right"))
    file = tmp_path / "new" / "folder" / "round-trip.safetensors"
    saved = save(file.parent, network, document(network, "round-trip"))
    for made in (saved, load(file)):
        assert (made.name, made.network.architecture) == ("round-trip", architecture)
        assert made.network.dtype == np.float32
        assert (made.network.classes, made.precise.classes) == (("left", "right"), ("left", "right"))
        assert made.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert dict(made.card) == {**dict(document(network, "round-trip")), "sha256": made.sha256}
        for name, weights in network.weights.items():
            np.testing.assert_array_equal(made.network.weights[name], weights.astype(np.float32))
    assert sorted(path.name for path in file.parent.iterdir()) == ["round-trip.json", "round-trip.safetensors"]


@given(any_architectures())
@examples(20)
def test_any_network_is_read_as_it_was_written(architecture: Architecture) -> None:
    border = 0.25 if architecture.channels == 1 else (0.25, 0.5, 0.125)
    weights = random_weights(architecture, 1).astype(np.float32).weights
    network = Network(architecture, weights, border=border)
    with TemporaryDirectory() as folder:
        save(Path(folder), network, document(network))
        loaded = load(Path(folder) / "tiny.safetensors").network
    assert loaded.architecture == architecture
    assert loaded.border.tolist() == network.border.tolist()
    image = np.random.default_rng(1).random(architecture.image_shape)
    assert loaded.logits(image).tolist() == network.logits(image).tolist()


def test_it_is_prepared_beside_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another file system nothing could be moved there in one step."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    network = random_network(TINY, 1)
    save(tmp_path, network, document(network))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_saving_again_replaces_both_files_and_what_would_be_refused_none(tmp_path: Path) -> None:
    first, second = (
        save(tmp_path, made, document(made)) for made in (random_network(TINY, 1), random_network(TINY, 2))
    )
    assert first.sha256 != second.sha256
    assert load(tmp_path / "tiny.safetensors").sha256 == second.sha256
    broken = {name: array.copy() for name, array in NETWORK.weights.items()}
    broken["affine.bias"][3] = np.nan
    with pytest.raises(CheckpointError):
        save(tmp_path, Network(TINY, broken), document())
    assert load(tmp_path / "tiny.safetensors").sha256 == second.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_the_card_reads_as_json_with_a_line_for_each_row(tmp_path: Path) -> None:
    saved = save(tmp_path, NETWORK, document())
    text = (tmp_path / "tiny.json").read_text()
    assert Card.model_validate_json(text) == saved.card
    pool = '"pool": {"side": 2, "stride": 2, "kind": "max"}'
    assert f'\n    {{"filters": 1, "kernel": 5, "padding": 0, {pool}, "wiring": "summed", "bias": true, ' in text
    assert '    "confusion": [\n      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],\n' in text
    assert '  "head": {\n    "hidden": [],\n    "activation": "relu"\n  },\n' in text


def test_load_all_by_name_in_order_or_none(tmp_path: Path) -> None:
    for name in ("b-2", "a", "b-10"):
        save(tmp_path, NETWORK, document(name=name))
    (tmp_path / "notes.txt").write_text("not a checkpoint")
    assert [(name, made.name) for name, made in load_all(tmp_path).items()] == [(n, n) for n in ("a", "b-10", "b-2")]
    write(tmp_path, says=changed(format_version=6))
    with refuses(CheckpointError, "tiny.safetensors: format_version: must be 1, 2, 3, 4 or 5, not 6"):
        load_all(tmp_path)
    with refuses(CheckpointError, f"{tmp_path / 'none'}: directory: holds no *.safetensors file"):
        load_all(tmp_path / "none")


KNOWN = "affine.bias, affine.weight, conv1.bias, conv1.weight, conv2.bias, conv2.weight"


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("conv1.weight", None, "is missing; the architecture needs (1, 1, 5, 5)"),
        ("conv3.weight", np.zeros(1, np.float32), f"is unknown; the architecture has {KNOWN}"),
        ("affine.weight", np.zeros((10, 26), np.float32), "has shape (10, 26); the architecture needs (10, 25)"),
        ("affine.bias", np.zeros((10, 1), np.float32), "has shape (10, 1); the architecture needs (10,)"),
        *(
            ("conv2.bias", np.zeros(1, dtype), f"is {dtype}; weights are stored as float32")
            for dtype in ("float16", "float64", "int32", "uint8", "bool")
        ),
        *(
            ("affine.bias", np.array([*range(9), value], np.float32), "holds NaN or infinity")
            for value in (np.nan, np.inf, -np.inf)
        ),
    ],
)
def test_refuses_other_tensors(name: str, tensor: NDArray[Any] | None, message: str, tmp_path: Path) -> None:
    weights = tensors() | {name: tensor}
    assert complaint(write(tmp_path, {name: one for name, one in weights.items() if one is not None})) == (
        name,
        message,
    )


@pytest.mark.parametrize("dtype", [b"BF16", b"F8_E4M3", b"F8_E5M2"])
def test_refuses_a_dtype_that_numpy_lacks(dtype: bytes, tmp_path: Path) -> None:
    """A tensor of 4 bytes stays one: two halves, or four quarters."""
    path = write(tmp_path)
    header = int.from_bytes(path.read_bytes()[:8], "little")
    entries = json.loads(path.read_bytes()[8 : 8 + header])
    entries["conv2.bias"] |= {"dtype": dtype.decode(), "shape": [2 if dtype == b"BF16" else 4]}
    text = json.dumps(entries).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + path.read_bytes()[8 + header :])
    assert refused(path).field in {"conv2.bias", "file"}


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_reads_an_older_card(version: int, tmp_path: Path) -> None:
    path = write(tmp_path, says=older(version))
    loaded = load(path)
    assert loaded.network.architecture == TINY
    assert loaded.network.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    # Nobody knows by what its logits were divided.
    expected = {**spelled(), "sha256": loaded.sha256, "temperature": None, "calibration": None}
    if version < 3:
        # Of MNIST, which these cards do not say.
        expected["dataset"] = {"name": "MNIST", "licence": "CC BY-SA 3.0", "files": {"t10k": "0f"}, "notes": []}
    if version == 1:
        expected["training"] = None
    assert loaded.card.model_dump(mode="json") == expected
    # The file is left as it is.
    assert "temperature" not in json.loads(path.with_suffix(".json").read_text())


def test_augmented_copies_of_an_older_card_were_not_mirrored(tmp_path: Path) -> None:
    copies = {"copies": 8, "turn": 0.1, "stretch": 0.1, "slant": 0.1, "shift": 1.0}
    says = older(2, training={"loss": "cross-entropy", "augmentations": copies})
    training = load(write(tmp_path, says=says)).card.training
    assert training is not None
    assert training.augmentations is not None
    assert training.augmentations.model_dump() == {**copies, "mirror": False}


def test_a_probe_is_not_unpacked_beyond_its_size(tmp_path: Path) -> None:
    """64 MiB of zeros are 65 kB in the file."""
    bomb = base64.b64encode(zlib.compress(bytes(2**26), 9)).decode()
    path = write(tmp_path, says=changed(probe={**spelled()["probe"], "image": bomb}))
    tracemalloc.start()
    try:
        field, message = complaint(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (field, message) == (
        "probe",
        "holds no image of 28×28 bytes (cannot reshape array of size 785 into shape (28,28))",
    )
    assert peak < 16 * 2**20


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    with path.open("r+b") as file:
        file.truncate(2**26 + 1)
    assert complaint(path) == ("file", "not a readable safetensors file (larger than 67,108,864 bytes)")
    path = write(tmp_path)
    path.with_suffix(".json").write_bytes(b" " * (2**20 + 1))
    assert complaint(path) == ("card", "tiny.json cannot be read (larger than 1,048,576 bytes)")
    path = write(tmp_path, says=changed(made_with={"python": "x" * 2**20}))
    assert complaint(path)[1].startswith("not a readable safetensors file (a header of 1,0")


def test_a_checkpoint_must_answer_its_own_image_as_before(tmp_path: Path) -> None:
    true = spelled()["probe"]
    logits = true["logits"]
    for probe, message in [
        ({**true, "predicted": 5}, None),  # what it shows is not checked twice: the logits say it
        ({**true, "logits": [*logits[:9], logits[9] + 0.0005]}, None),
        ({**true, "logits": [*logits[:9], logits[9] + 0.002]}, "with other logits than when it was published"),
        ({**true, "logits": logits[:9]}, "with other logits than when it was published"),
        ({**true, "image": "eJw="}, "holds no image of 28×28 bytes"),
        ({**true, "image": "?"}, "holds no image of 28×28 bytes"),
    ]:
        path = write(tmp_path, says=changed(probe=probe))
        if message is None:
            load(path)
            continue
        with pytest.raises(CheckpointError, match=message) as caught:
            load(path)
        assert (caught.value.file, caught.value.field) == ("tiny.safetensors", "probe")
