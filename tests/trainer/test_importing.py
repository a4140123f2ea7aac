from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch")

from konkyo.models.architecture import Architecture, Wiring, two_stages  # noqa: E402
from konkyo.models.files.checkpoint import load  # noqa: E402
from konkyo.trainer.cli import app  # noqa: E402
from konkyo.trainer.data import read  # noqa: E402
from konkyo.trainer.errors import RunError  # noqa: E402
from konkyo.trainer.importing import read_weights  # noqa: E402
from tests.helpers.datasets import write_pictures  # noqa: E402
from tests.helpers.oracles import random_network, title  # noqa: E402

CLASSES = {"lying": 90.0, "slanting": 45.0, "upright": 0.0}
SHAPES = [
    two_stages(Wiring.SUMMED, 2, 3, classes=3),
    two_stages(Wiring.PAIRED, 2, 2, conv1_kernel=3, conv2_kernel=4, conv2_bias=False, classes=3),
    two_stages(Wiring.SUMMED, 1, 2, conv1_kernel=9, conv2_kernel=5, classes=3),
]


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "bars", CLASSES, 10)
    return tmp_path / "bars"


def run(file: Path, data: Path, *more: str) -> Result:
    folder = file.parent
    return CliRunner().invoke(app, ["import", str(file), "--name=mine", f"--data={data}", f"--out={folder}/out", *more])


@pytest.mark.parametrize("shape", SHAPES, ids=title)
@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_weights_are_measured_and_written_with_a_card(
    shape: Architecture, suffix: str, bars: Path, tmp_path: Path
) -> None:
    network = random_network(shape, 5, np.float32)
    file = tmp_path / f"weights.{suffix}"
    if suffix == "pt":
        torch.save({name: torch.from_numpy(array.copy()) for name, array in network.weights.items()}, file)
    else:
        save_file(dict(network.weights), file)
    result = run(file, bars, f"--wiring={shape.wiring}")
    assert result.exit_code == 0, result.output
    imported = load(tmp_path / "out" / "mine.safetensors")
    assert (imported.network.architecture, imported.network.classes) == (shape, tuple(CLASSES))
    assert all(np.array_equal(array, network.weights[name]) for name, array in imported.network.weights.items())
    test = read(bars, "t10k")
    right = (network.astype(np.float64).logits(test.images / 255).argmax(-1) == test.labels).mean()
    assert imported.card["accuracy"]["test"] == pytest.approx(right)
    assert imported.card["selection"] == {"by": "no choice: the weights were imported", "seed": 0, "runs": []}
    assert f"{right:.2%} accuracy on the 6 test images" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conv1.bias": None},
            "conv1.bias is missing; the file must hold conv1.weight, conv1.bias, conv2.weight, affine.weight, "
            "affine.bias, and may hold conv2.bias",
        ),
        (
            {"fc.weight": np.zeros(3)},
            "fc.weight is unknown; the file must hold conv1.weight, conv1.bias, conv2.weight, affine.weight, "
            "affine.bias, and may hold conv2.bias",
        ),
        ({"conv1.bias": np.array([0, np.nan])}, "conv1.bias holds NaN or infinity"),
        ({"conv1.weight": np.zeros((2, 25))}, "conv1.weight has shape (2, 25); (filters, inputs, side, side) is right"),
        (
            {"conv1.weight": np.zeros((2, 1, 29, 29))},
            "the shapes make no network: stage 1's kernel must be from 1 to 28, not 29",
        ),
        (
            {"affine.bias": np.zeros(10)},
            "affine.bias has shape (10,); with summed wiring and 3 classes it must be (3,)",
        ),
        (
            {"conv2.weight": np.zeros((3, 1, 3, 3))},
            "conv2.weight has shape (3, 1, 3, 3); with summed wiring and 3 classes it must be (3, 2, 3, 3)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    change: dict[str, np.ndarray | None], message: str, bars: Path, tmp_path: Path
) -> None:
    weights = {**random_network(SHAPES[0], 5, np.float32).weights, **change}
    kept = {name: np.asarray(array, np.float32) for name, array in weights.items() if array is not None}
    save_file(kept, tmp_path / "weights.safetensors")
    result = run(tmp_path / "weights.safetensors", bars)
    assert isinstance(result.exception, RunError)
    assert str(result.exception) == message
    assert not (tmp_path / "out").exists()


def test_a_pickle_that_would_run_code_is_not_read(bars: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({"conv1.weight": print}, file)
    result = run(file, bars)
    assert isinstance(result.exception, RunError)
    assert str(result.exception).startswith(f"{file} cannot be read as safetensors or as a state dict of PyTorch (")
    torch.save([torch.zeros(3)], file)
    result = run(file, bars)
    assert str(result.exception) == f"{file} holds no state dict; save it with torch.save(network.state_dict(), …)"
    file.write_text("not a file of weights")
    assert isinstance(run(file, bars).exception, RunError)
    assert isinstance(run(tmp_path / "nowhere.safetensors", bars).exception, RunError)


def test_saved_parameters_are_read_as_a_state_dict_is(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({"conv1.bias": torch.nn.Parameter(torch.ones(3))}, file)
    assert read_weights(file)["conv1.bias"].tolist() == [1, 1, 1]
    torch.save({"conv1.bias": torch.ones(3).to_sparse()}, file)
    with pytest.raises(RunError, match="cannot be read as safetensors or as a state dict of PyTorch"):
        read_weights(file)
