import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from konkyo.trainer import data
from konkyo.trainer.commands.options import data_set
from konkyo.trainer.data import download
from konkyo.trainer.errors import DataError
from support.folders import DATA
from tests.helpers.mirror import Answer, serving
from tests.helpers.refuse import refuses

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
TRUE = {name: (DATA / f"{name}.gz").read_bytes() for name in (IMAGES, LABELS)}
GOOD = {f"/{name}.gz": [Answer(body)] for name, body in TRUE.items()}

Report = tuple[str, int, int | None]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror is asked but this machine."""
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)


def fetch(directory: Path, mirrors: Sequence[str]) -> list[Report]:
    reports: list[Report] = []
    download.complete(directory, "t10k", lambda *report: reports.append(report), mirrors, pause=0)
    return reports


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_fetches_what_is_missing_into_a_new_folder(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "mnist"
    with serving(GOOD) as mirror:
        reports = fetch(directory, [mirror.url])
    assert names(directory) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    for name, body in TRUE.items():
        assert (directory / f"{name}.gz").read_bytes() == body
        mine = [(received, total) for reported, received, total in reports if reported == name]
        assert mine[-1] == (len(body), len(body))
        assert [received for received, _ in mine] == sorted({received for received, _ in mine})
    assert mirror.asked == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    assert len(data.read(directory, "t10k")) == 10_000


def test_leaves_what_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / IMAGES).write_bytes(b"plain")
    (tmp_path / f"{LABELS}.gz").write_bytes(b"gzipped")
    assert fetch(tmp_path, []) == []
    assert (tmp_path / IMAGES).read_bytes() == b"plain"
    assert (tmp_path / f"{LABELS}.gz").read_bytes() == b"gzipped"


OTHER = gzip.compress(b"something else")
SHORT = TRUE[LABELS][: len(TRUE[LABELS]) // 2]
BROKEN = TRUE[LABELS][:1000] + bytes(100) + TRUE[LABELS][1100:]


def test_tries_again_until_the_contents_are_right(tmp_path: Path) -> None:
    """Busy, broken off, short, not gzip, damaged, another file: nothing of it may lie under the file's name."""
    path, seen = tmp_path / f"{LABELS}.gz", []
    bad = [
        Answer(status=503),
        Answer(SHORT, promised=len(TRUE[LABELS])),
        Answer(SHORT),
        Answer(b"<html>Sign in to this network</html>"),
        Answer(BROKEN),
        Answer(OTHER),
    ]
    answers = {**GOOD, f"/{LABELS}.gz": [*bad, Answer(TRUE[LABELS])]}

    def report(name: str, received: int, total: int | None) -> None:  # noqa: ARG001
        seen.append(path.exists())

    with serving(answers) as mirror:
        download.complete(tmp_path, "t10k", report, [mirror.url] * 3, pause=0)
    assert path.read_bytes() == TRUE[LABELS]
    assert not any(seen)
    assert names(tmp_path) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    assert mirror.asked.count(f"/{LABELS}.gz") == len(bad) + 1


def test_a_file_larger_than_mnists_is_refused_while_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is announced is not trusted, and no more is kept than may be."""
    monkeypatch.setattr(download, "MOST_BYTES", 100_000)
    seen: list[int] = []
    endless = Answer(bytes(2**22), promised=2**22)
    with serving({f"/{IMAGES}.gz": [endless]}) as mirror, pytest.raises(DataError) as caught:
        download.complete(tmp_path, "t10k", lambda _, received, __: seen.append(received), [mirror.url], pause=0)
    assert f"{mirror.url}{IMAGES}.gz: the file is larger than 100,000 bytes, and MNIST's are not" in str(caught.value)
    assert all(received <= 100_000 for received in seen)
    assert names(tmp_path) == []


def test_a_file_that_unpacks_to_more_than_mnists_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unpacked of a packed file is bounded before it is read."""
    monkeypatch.setattr(download, "MOST_UNPACKED", 100_000)
    bomb = gzip.compress(bytes(2**22))
    assert len(bomb) < 10_000
    asked: list[int] = []
    read = gzip.GzipFile.read

    def reading(file: gzip.GzipFile, size: int | None = -1) -> bytes:
        asked.append(-1 if size is None else size)
        return read(file, size)

    monkeypatch.setattr(gzip.GzipFile, "read", reading)
    with serving({f"/{IMAGES}.gz": [Answer(bomb)]}) as mirror, pytest.raises(DataError) as caught:
        fetch(tmp_path, [mirror.url])
    assert f"{mirror.url}{IMAGES}.gz: the file's SHA-256 is not that of MNIST" in str(caught.value)
    assert set(asked) == {100_001}
    assert names(tmp_path) == []


def test_takes_the_next_mirror_which_may_have_moved_and_not_say_how_much_it_sends(tmp_path: Path) -> None:
    answers = {path: [some[0]._replace(promised=-1)] for path, some in GOOD.items()}
    answers |= {f"/old/{name}.gz": [Answer(status=301, location=f"/{name}.gz")] for name in TRUE}
    with serving({}) as empty, serving(answers) as moved:
        reports = fetch(tmp_path, [empty.url, f"{moved.url}old/"])
    assert empty.asked == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    assert {total for _, _, total in reports} == {None}
    for name, body in TRUE.items():
        assert (tmp_path / f"{name}.gz").read_bytes() == body


def test_says_what_each_mirror_answered_and_waits_longer_after_each_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("konkyo.trainer.data.download.time.sleep", pauses.append)
    with serving({}) as gone:
        nobody = gone.url
    with serving({f"/{IMAGES}.gz": [Answer(OTHER)]}) as other, serving({}) as empty:
        with pytest.raises(DataError) as caught:
            download.complete(tmp_path, "t10k", lambda *_: None, [other.url, empty.url, nobody], pause=0.5)
        assert other.asked == empty.asked == [f"/{IMAGES}.gz"] * 3
    assert pauses == [0.5, 1.0]
    first, *rest = str(caught.value).splitlines()
    assert first == (
        f"{IMAGES} could not be downloaded; put MNIST's four IDX files (plain or gzipped) into {tmp_path}, "
        "or name their folder with --data."
    )
    assert rest[0] == f"{other.url}{IMAGES}.gz: the file's SHA-256 is not that of MNIST"
    assert rest[1].startswith(f"{empty.url}{IMAGES}.gz: Client error '404 Not Found' for url")
    assert any(line.startswith(f"{nobody}{IMAGES}.gz: [Errno 111] Connection refused") for line in rest)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_or_written_is_no_traceback(tmp_path: Path) -> None:
    """A folder in the file's place stops even root."""
    (tmp_path / "file").write_text("in the way")
    directory = tmp_path / "file" / "mnist"
    message = f"lacks {IMAGES} and cannot be written"
    with refuses(DataError, f"{directory} {message}: [Errno 20] Not a directory: '{directory}'"):
        fetch(directory, [])
    (tmp_path / f"{IMAGES}.gz").mkdir()
    with serving(GOOD) as mirror, pytest.raises(DataError) as caught:
        fetch(tmp_path, [mirror.url])
    assert str(caught.value).startswith(f"{tmp_path} {message}: [Errno 21] Is a directory")
    assert mirror.asked == [f"/{IMAGES}.gz"]


def test_the_public_mirrors_are_asked_over_tls() -> None:
    assert len(download.MIRRORS) >= 2
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in download.MIRRORS)


def test_a_command_downloads_what_is_missing_of_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(GOOD) as mirror:
        monkeypatch.setattr(download.complete, "__defaults__", ([mirror.url], 0))
        assert len(data_set(tmp_path / "mnist", "t10k")) == 10_000
    assert mirror.asked == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
