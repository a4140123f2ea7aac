from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch")

from konkyo.models.architecture import Architecture, Wiring, parse_stages, two_stages, written_stages  # noqa: E402
from konkyo.models.files.checkpoint import load  # noqa: E402
from konkyo.trainer.cli import app  # noqa: E402
from konkyo.trainer.data import read  # noqa: E402
from konkyo.trainer.errors import RunError  # noqa: E402
from konkyo.trainer.importing import read_weights  # noqa: E402
from tests.helpers.datasets import write_pictures  # noqa: E402
from tests.helpers.oracles import random_network  # noqa: E402

CLASSES = {"lying": 90.0, "slanting": 45.0, "upright": 0.0}
SHAPES = [
    two_stages(Wiring.SUMMED, 2, 3, classes=3),
    two_stages(Wiring.PAIRED, 2, 2, kernels=(3, 4), bias=False, classes=3),
    Architecture(parse_stages("2k3p1n,3k3q,2k3n"), 20, hidden=(6, 5), classes=3),
]
MUST = "the file must hold conv1.weight, conv1.bias, conv2.weight, conv2.bias, affine.weight, affine.bias"
WITH = "with stages 2k5,3k3, 3 classes and images of 28 × 28 it must be"


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "bars", CLASSES, 10)
    return tmp_path / "bars"


def run(file: Path, data: Path, *more: str) -> Result:
    folder = file.parent
    options = ["--name=mine", f"--data={data}", f"--out={folder}/out", *(more or ["--stages=2k5,3k3"])]
    return CliRunner().invoke(app, ["import", str(file), *options])


def test_a_colour_network_is_measured_on_pictures_in_colour(bars: Path, tmp_path: Path) -> None:
    shape = Architecture(parse_stages("2k3,3k3"), channels=3, classes=3)
    save_file(dict(random_network(shape, 5, np.float32).weights), tmp_path / "weights.safetensors")
    result = run(tmp_path / "weights.safetensors", bars, "--stages=2k3,3k3")
    assert result.exit_code == 0, result.output
    assert load(tmp_path / "out" / "mine.safetensors").network.architecture == shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: written_stages(one.stages))
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
    result = run(file, bars, f"--stages={written_stages(shape.stages)}", f"--side={shape.side}")
    assert result.exit_code == 0, result.output
    imported = load(tmp_path / "out" / "mine.safetensors")
    assert (imported.network.architecture, imported.network.classes) == (shape, tuple(CLASSES))
    assert all(np.array_equal(array, network.weights[name]) for name, array in imported.network.weights.items())
    test = read(bars, "t10k", shape.side)
    right = (network.astype(np.float64).logits(test.images / 255).argmax(-1) == test.labels).mean()
    assert imported.card.accuracy.test == pytest.approx(right)
    assert imported.card.selection.by == "no choice: the weights were imported"
    assert f"{right:.2%} accuracy on the 6 test images" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv1.bias": None}, f"conv1.bias is missing; {MUST}, and holds affine.bias, affine.weight, conv1.weight"),
        ({"fc.weight": np.zeros(3)}, f"fc.weight is unknown; {MUST}, and holds affine.bias"),
        ({"conv1.bias": np.array([0, np.nan])}, "conv1.bias holds NaN or infinity"),
        ({"conv1.weight": np.zeros((2, 25))}, f"conv1.weight has shape (2, 25); {WITH} (2, 1, 5, 5)"),
        ({"affine.bias": np.zeros(10)}, f"affine.bias has shape (10,); {WITH} (3,)"),
        ({"conv2.weight": np.zeros((3, 1, 3, 3))}, f"conv2.weight has shape (3, 1, 3, 3); {WITH} (3, 2, 3, 3)"),
        (
            {"hidden1.bias": np.zeros(600)},
            "the stages make no network: the width of a hidden affine layer must be ",
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
    assert str(result.exception).startswith(message)
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
