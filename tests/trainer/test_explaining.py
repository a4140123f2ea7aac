"""``trainer explain``: tables are the answers for one image, and a job ends with the same files whatever happens."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from konkyo.models.errors import BudgetError
from konkyo.models.files.checkpoint import DIRECTORY, load_all
from konkyo.models.grounds.proofs import grounds
from konkyo.models.preparation.expected import Expected
from konkyo.models.question import GroundsQuestion
from konkyo.trainer.cli import app
from konkyo.trainer.data import Labelled
from konkyo.trainer.data.idx import write_images
from konkyo.trainer.errors import RunError
from konkyo.trainer.explaining import engines, table
from konkyo.trainer.explaining.choices import Engine, Explanation
from konkyo.trainer.explaining.images import open_images
from konkyo.trainer.explaining.job import MANIFEST, Job, new_job
from tests.helpers.asked import explain_filters, explain_occlusion, explain_shapley
from tests.helpers.refuse import refuses

ROOT = Path(__file__).parents[2]
EXPECTED = Expected.by(load_all()["paired-3x3"])
ALL = list(Explanation)
CHEAP = [Explanation.CONTRIBUTIONS]


@pytest.fixture(scope="module")
def data(digits: Labelled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 test images in a plain file."""
    path = tmp_path_factory.mktemp("images") / "images.idx"
    write_images(path, digits.images[:150])
    return path


def job(data: Path, out: Path, wanted: list[Explanation] = CHEAP, images: int | None = 90, shard: int = 20) -> Job:
    return new_job(data, images, load_all()["paired-3x3"], DIRECTORY, wanted, shard, out)


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def expected(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the job ends with, written by this process one after another."""
    whole = job(data, tmp_path_factory.mktemp("expected"))
    for shard in whole.begin():
        whole.write(shard)
    return files(whole.out)


@pytest.mark.parametrize("name", ["paired-3x3", "lenet-6x16"])
def test_a_table_is_the_answers_for_one_image(digits: Labelled, name: str) -> None:
    network = load_all()[name].precise
    found = table.explain(network, digits.images[100:103] / 255, 100, ALL).to_pydict()
    assert found["image"] == [100, 101, 102]
    for place in range(3):
        image = digits.images[100 + place] / 255

        def entry(column: str, place: int = place) -> Any:
            return found[column][place]

        filters = explain_filters(network, image)
        proof, interactions = grounds(network, image), explain_shapley(network, image, interactions=True).interactions
        assert interactions is not None
        assert (entry("predicted"), entry("label")) == (filters.predicted, filters.label)
        assert entry("probability") == pytest.approx(np.exp(filters.logits).max() / np.exp(filters.logits).sum())
        right: dict[str, Any] = {
            "logits": filters.logits,
            "contributions": filters.account.contributions,
            "filter_bias": filters.filter_bias,
            "class_bias": filters.class_bias,
            "occlusion": explain_occlusion(network, image).occlusion.drop,
            "shapley": explain_shapley(network, image).values,
            "interactions": interactions.values,
        }
        for column, value in right.items():
            assert np.shape(entry(column)) == np.shape(value)
            np.testing.assert_allclose(entry(column), value, rtol=0, atol=1e-11)
        ledger = np.sum(entry("contributions")) + np.sum(entry("filter_bias")) + entry("class_bias")
        assert ledger == pytest.approx(entry("logits")[entry("predicted")], abs=1e-11)
        assert [divmod(region, 7) for region in entry("sufficient")] == list(proof.sufficient.regions)
        assert (entry("margin"), entry("combinations")) == (proof.sufficient.margin, proof.sufficient.combinations)
        assert entry("status") == proof.sufficient.status
        assert proof.contrast is not None
        assert [divmod(region, 7) for region in entry("contrast")] == list(proof.contrast.regions)
        assert entry("contrast_predicted") == proof.contrast.predicted


def test_an_image_without_grounds_costs_no_other(digits: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise BudgetError("x")

    monkeypatch.setattr(GroundsQuestion, "answers", refused)
    images = digits.images[:2] / 255
    found = table.explain(load_all()["paired-3x3"].precise, images, 0, [Explanation.PROOFS]).to_pydict()
    assert found["status"] == ["too-much-work"] * 2
    for column in ("sufficient", "margin", "combinations", "contrast", "contrast_predicted"):
        assert found[column] == [None, None]


def test_a_file_says_whose_it_is(expected: dict[str, bytes], tmp_path: Path) -> None:
    sha256 = load_all()["paired-3x3"].sha256
    manifest = json.loads(expected[MANIFEST])
    assert (manifest["model"], manifest["model_sha256"]) == ("paired-3x3", sha256)
    assert (manifest["images"], manifest["shard"], manifest["explanations"]) == (90, 20, ["contributions"])
    path = tmp_path / "part.parquet"
    path.write_bytes(expected["part-000004.parquet"])
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"konkyo"]) == {
        "sha256": sha256,
        "classes": [*map(str, range(10))],
        "hidings": {},
    }
    assert pq.read_table(path)["image"].to_pylist() == list(range(80, 90))


def test_only_what_is_missing_is_written_and_a_process_that_dies_costs_nothing(
    data: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    whole = job(data, tmp_path / "out")
    for shard in whole.begin():
        whole.write(shard)
    assert whole.begin() == []
    kept = whole.path(1).stat().st_mtime_ns
    for shard in (0, 3, 4):
        whole.path(shard).unlink()
    whole.path(2).rename(whole.path(2).with_suffix(".writing"))  # as one leaves it that is ended while it writes
    done: list[int] = []
    for shard in engines.run(whole, whole.begin(), Engine.LOCAL, 1):
        if not done:
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
        done.append(shard)
    assert sorted(done) == [0, 2, 3, 4]
    assert files(whole.out) == expected
    assert whole.path(1).stat().st_mtime_ns == kept


def test_processes_that_die_again_and_again_end_the_job(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[int]:
        raise BrokenProcessPool
        yield

    monkeypatch.setattr(engines, "_pool", broken)
    with refuses(RunError, "the processes die before they finish a shard: give them more memory"):
        list(engines.run(job(data, tmp_path / "out"), [0, 1], Engine.LOCAL, 2))


def test_other_work_is_not_mixed_with_a_jobs(data: Path, tmp_path: Path) -> None:
    whole = job(data, tmp_path)
    (tmp_path / "thesis.txt").touch()
    with refuses(RunError, f"{tmp_path} is not empty, and holds no _manifest.json; name another --out"):
        whole.begin()
    (tmp_path / "thesis.txt").unlink()
    whole.begin()
    message = f"{tmp_path} holds another job's files: explanations, images, shard differ; name another --out"
    with refuses(RunError, message):
        job(data, tmp_path, ALL, 30, 10).begin()
    other = Job(**{**whole.__dict__, "sha256": "0" * 64})
    with refuses(RunError, f"{whole.checkpoint} is another checkpoint here than where the job was started"):
        other.write(0)


def test_the_command_goes_on_where_it_was_interrupted(
    data: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["explain", "--data", str(data), "--out", str(tmp_path / "out"), "--explanation", "contributions"]
    asked += ["--images", "90", "--shard", "20", "--workers", "1"]
    whole = engines.run

    def interrupted(*arguments: Any) -> Iterator[int]:
        yield next(whole(*arguments))
        raise KeyboardInterrupt

    def in_this_process(some: Job, shards: Sequence[int], _: int) -> Iterator[int]:
        yield from map(some.write, shards)

    with monkeypatch.context() as patch:
        patch.setattr(engines, "run", interrupted)
        result = CliRunner().invoke(app, asked)
    assert (result.exit_code, result.stderr) == (130, "interrupted: the same command goes on from the last file\n")
    monkeypatch.setattr(engines, "_pool", in_this_process)
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert " ".join(result.output.split()) == f"90 images in 5 files in {tmp_path / 'out'}"
    assert {name: content for name, content in files(tmp_path / "out").items() if "writing" not in name} == expected


def test_all_pictures_are_opened_twice_and_by_a_process_only_its_own(digits: Labelled, tmp_path: Path) -> None:
    """To see that each is a picture, and for the hash; then each by the process that explains it."""
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    for number in range(6):
        Image.fromarray(digits.images[number]).save(pictures / f"{number}.png")
    opened: Counter[str] = Counter()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(f"{pictures}/"):
            opened[Path(arguments[0]).name] += 1

    sys.addaudithook(note)  # it stays
    asked = ["explain", "--data", str(pictures), "--out", str(out), "--shard", "2", "--workers", "1"]
    result = CliRunner().invoke(app, [*asked, "--explanation", "contributions"])
    assert result.exit_code == 0, result.output
    assert opened == {f"{number}.png": 2 for number in range(6)}
    whole = job(pictures, out, CHEAP, 6, 2)
    open_images.cache_clear()  # as in a process that was just started
    opened.clear()
    whole.write(1)
    assert opened == {"2.png": 1, "3.png": 1}


def runs(process: str) -> bool:
    """Whether it is there, and not only its exit status, which the first process of a container may never fetch."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_processes_end_with_the_one_that_started_them(data: Path, tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "trainer", "explain", "--data", str(data), "--out", str(tmp_path / "out")]
    asked += ["--workers", "1", "--shard", "150"]
    started = subprocess.Popen(asked, cwd=ROOT)
    children: list[str] = []
    while started.poll() is None and len(children) < 2:  # the tracker of resources, and the one process
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        time.sleep(0.01)
    started.kill()
    started.wait()
    deadline = time.monotonic() + 60
    while any(runs(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert [child for child in children if runs(child)] == []


def test_a_folder_with_mnist(tmp_path: Path) -> None:
    asked = ["explain", "--data", str(ROOT / "tests" / "data"), "--out", str(tmp_path / "out"), "--images", "2"]
    result = CliRunner().invoke(app, [*asked, "--workers", "1"])
    assert result.exit_code == 0, result.output
    found = pq.read_table(tmp_path / "out" / "part-000000.parquet")
    assert found.column_names == [
        "image", "predicted", "label", "true", "probability", "logits", "contributions", "filter_bias", "class_bias",
        "occlusion", "shapley", "sufficient", "margin", "combinations", "status", "contrast", "contrast_predicted",
    ]  # fmt: skip
    assert found["true"].to_pylist() == found["label"].to_pylist() == ["7", "2"]
    assert json.loads(found.schema.metadata[b"konkyo"])["hidings"] == {
        "occlusion": {"region": 2, "stride": 2, "grid": [14, 14], "fill": 0.0},
        "shapley": {"region": 4, "stride": 4, "grid": [7, 7], "fill": 0.0},
        "proofs": {"region": 4, "stride": 4, "grid": [7, 7], "fill": 0.0},
    }


def test_pandas_reads_each_explanation_in_its_shape(data: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip(
        "pandas", reason="pandas is not installed; `make check` installs what is for development"
    )
    whole = job(data, tmp_path / "out", [Explanation.OCCLUSION], 20)
    for shard in whole.begin():
        whole.write(shard)
    frame = pandas.read_parquet(whole.out)  # the folder, with its manifest
    drops = np.array([np.stack(one) for one in frame["occlusion"]])
    right = [
        explain_occlusion(load_all()["paired-3x3"].precise, image).drop
        for image in open_images(data, EXPECTED).read(0, 20)
    ]
    np.testing.assert_allclose(drops, right, rtol=0, atol=1e-11)


def test_what_is_missing_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "konkyo.trainer.explaining.job")
    monkeypatch.delitem(sys.modules, "konkyo.trainer.explaining.engines")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = CliRunner().invoke(app, ["explain", "--data", str(data), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, RunError)
    assert "is not installed; `pip install 'konkyo[cluster]'` installs it" in str(result.exception)
