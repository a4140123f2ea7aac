"""Small uploads that would be large inside. With times and memory: ``python -m tools.soak.bombs``."""

import json
import os
from pathlib import Path

import pytest

from konkyo.service.imaging.decoding import MAX_PIXELS
from tests.helpers.pictures import sample
from tests.hostile.bombs import LARGEST, LIMIT, TOO_LARGE, forms, long_forms, text_bombs
from tests.hostile.jpegs import ENDLESS
from tests.hostile.serving import Server, exchange, post, statuses
from tools.soak.memory import peak

SEVEN = sample(7)
FORMS, LONG_FORMS, TEXT_BOMBS = forms(SEVEN), long_forms(SEVEN), text_bombs()


def problem(server: Server, media: str, body: bytes, path: str = "/predict") -> tuple[list[int], str]:
    answer = exchange(server.port, post(path, f"Content-Length: {len(body)}", media=media, body=body))
    kind: str = json.loads(answer.split(b"\r\n\r\n", 1)[1]).get("type", "")
    return statuses(answer), kind.rpartition(":")[2]


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_none_is_a_400(server: Server, name: str) -> None:
    media, body = FORMS[name]
    assert len(body) <= LIMIT
    assert problem(server, media, body) == ([400], "malformed-upload")


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", LONG_FORMS)
def test_a_form_with_much_around_its_file_is_read(server: Server, name: str) -> None:
    media, body = LONG_FORMS[name]
    assert len(body) <= LIMIT
    assert problem(server, media, body) == ([200], "")


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("name", TOO_LARGE)
@pytest.mark.parametrize("fit", ["exact", "mnist"])
def test_a_picture_that_claims_too_many_pixels_is_refused(server: Server, name: str, fit: str) -> None:
    assert problem(server, "image/png", TOO_LARGE[name], f"/predict?fit={fit}") == ([422], "unsuitable-image")


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_pictures_are_small_uploads_and_are_read(server: Server, name: str) -> None:
    """So what a picture of the most pixels costs is what anyone can ask for."""
    assert MAX_PIXELS == 4_000_000
    assert len(LARGEST[name]) < LIMIT
    assert problem(server, "image/png", LARGEST[name], "/predict?fit=mnist") == ([200], "")


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("name", TEXT_BOMBS)
def test_metadata_that_unpacks_to_much_is_not_unpacked(server: Server, name: str) -> None:
    assert len(TEXT_BOMBS[name]) < LIMIT
    assert problem(server, "image/png", TEXT_BOMBS[name]) == ([200], "")


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.parametrize("name", ENDLESS)
def test_scans_without_end_are_refused(server: Server, name: str) -> None:
    assert len(ENDLESS[name]) <= LIMIT
    assert problem(server, "image/jpeg", ENDLESS[name], "/predict?fit=mnist") == ([422], "unsuitable-image")


@pytest.mark.threat("work without bound in the decoder")
def test_scans_and_texts_cost_no_more_than_an_image_and_leave_the_memory_as_it_was(server: Server) -> None:
    """None takes as long as an image that is as large as it may be; the first took 40 s, the last 240 MiB."""
    ordinary = seconds(server, LARGEST["16-bit RGBA"])
    before = peak(server.pid)
    for data in (*ENDLESS.values(), *TEXT_BOMBS.values()):
        assert seconds(server, data, 2 * ordinary) < 2 * ordinary
    assert peak(server.pid) < before + 20


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.timeout(60)
def test_no_image_is_far_dearer_than_the_others(server: Server) -> None:
    """What the fuzzer found to cost most, in time and in memory, beside what was known before it."""
    known = "shaded, RGBA"
    ordinary = seconds(server, LARGEST[known])
    before = peak(server.pid)
    for name, data in LARGEST.items():
        assert seconds(server, data, 3 * ordinary) < 3 * ordinary, name
    assert peak(server.pid) < before + 20


COLOUR = "/predict?fit=resize&model=tiny-vgg"


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_picture_for_colour_that_claims_too_many_pixels_is_refused(server: Server, name: str) -> None:
    assert problem(server, "image/png", TOO_LARGE[name], COLOUR) == ([422], "unsuitable-image")


@pytest.mark.threat("work without bound in the decoder")
@pytest.mark.timeout(60)
def test_no_image_is_far_dearer_in_colour(server: Server) -> None:
    ordinary = seconds(server, LARGEST["8-bit RGBA"], path=COLOUR)
    before = peak(server.pid)
    for name, data in LARGEST.items():
        assert problem(server, "image/png", data, COLOUR) == ([200], ""), name
        assert seconds(server, data, 4 * ordinary, COLOUR) < 4 * ordinary, name
    assert peak(server.pid) < before + 20


def seconds(server: Server, data: bytes, enough: float = 0.0, path: str = "/predict?fit=mnist") -> float:
    """Processor seconds of the server, the least of three: what else the machine does takes none of them.

    It is asked only once where that took less than ``enough``.
    """
    taken: list[float] = []
    while len(taken) < 3 and min(taken, default=enough) >= enough:
        start = processor_seconds(server.pid)
        problem(server, "image/png", data, path)
        taken.append(processor_seconds(server.pid) - start)
    return min(taken)


def processor_seconds(pid: int) -> float:
    """What a process has used so far, of its own and of the system's time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
