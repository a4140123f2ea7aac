"""Small uploads that would be large inside. With times and memory: ``python -m tools.soak.bombs``."""

import json
import struct

import pytest

from support.client import exchange, post, statuses
from support.pictures import encode, pixels, sample
from support.process import peak, peak_from_now
from support.server import Server
from support.uploads.bombs import LARGEST, LIMIT, TOO_LARGE, blank, forms, long_forms, text_bombs
from support.uploads.chunks import chunk
from support.uploads.jpegs import ENDLESS

SEVEN = sample(7)
FORMS, LONG_FORMS, TEXT_BOMBS = forms(SEVEN), long_forms(SEVEN), text_bombs()
MNIST, COLOUR = "/predict?fit=mnist", "/predict?fit=resize&model=tiny-vgg"
Answer = tuple[list[int], str]
READ: Answer = ([200], "")
UNSUITABLE: Answer = ([422], "unsuitable-image")


def asked(server: Server, body: bytes, path: str = "/predict", media: str = "image/png") -> Answer:
    """The status, and the kind of problem."""
    assert len(body) <= LIMIT
    answer = exchange(server.port, post(path, f"Content-Length: {len(body)}", media=media, body=body))
    kind: str = json.loads(answer.split(b"\r\n\r\n", 1)[1]).get("type", "")
    return statuses(answer), kind.rpartition(":")[2]


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_none_is_a_400(server: Server, name: str) -> None:
    media, body = FORMS[name]
    assert asked(server, body, media=media) == ([400], "malformed-upload")


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", LONG_FORMS)
def test_a_form_with_much_around_its_file_is_read(server: Server, name: str) -> None:
    media, body = LONG_FORMS[name]
    assert asked(server, body, media=media) == READ


@pytest.mark.threat("pixel bomb")
@pytest.mark.parametrize("path", ["/predict?fit=exact", MNIST, COLOUR])
def test_a_picture_that_claims_too_many_pixels_is_refused(server: Server, path: str) -> None:
    for name, data in TOO_LARGE.items():
        assert asked(server, data, path) == UNSUITABLE, name


@pytest.mark.threat("work without bound in the decoder")
def test_scans_and_texts_cost_no_more_than_an_image_and_leave_the_memory_as_it_was(server: Server) -> None:
    """None takes as long as an image that is as large as it may be; the first took 40 s, the last 240 MiB."""
    peak_from_now(server.pid)
    ordinary = seconds(server, LARGEST["16-bit RGBA"], MNIST, READ)
    before = peak(server.pid)
    for bombs, answer in ((ENDLESS, UNSUITABLE), (TEXT_BOMBS, READ)):
        for name, data in bombs.items():
            assert seconds(server, data, MNIST, answer, 2 * ordinary) < 2 * ordinary, name
    assert peak(server.pid) < before + 20


@pytest.mark.threat("error leakage, reflection")
def test_what_pillow_says_of_a_picture_is_not_in_the_log(server: Server) -> None:
    """It holds numbers that the client chose: of damaged metadata, and of a size that Pillow only warns of."""
    damaged = blank(28, 28, 8, 0, chunk(b"eXIf", b"II*\0\x08\0\0\0\x09\0" + bytes(5)))
    assert asked(server, damaged) == READ
    picture = encode(pixels(7), "JPEG")
    frame = picture.index(b"\xff\xc0") + 5
    claims = picture[:frame] + struct.pack(">HH", 10_000, 10_000) + picture[frame + 4 :]
    assert asked(server, claims) == UNSUITABLE
    assert "Warning" not in server.log.read_text()


@pytest.mark.threat("pixel bomb", "work without bound in the decoder")
@pytest.mark.parametrize(("path", "known", "times"), [(MNIST, "shaded, RGBA", 3), (COLOUR, "8-bit RGBA", 4)])
def test_the_largest_pictures_are_read_and_none_is_far_dearer(
    server: Server, path: str, known: str, times: int
) -> None:
    """What the fuzzer found to cost most, in time and in memory, beside what was known before it."""
    peak_from_now(server.pid)
    ordinary = seconds(server, LARGEST[known], path, READ)
    before = peak(server.pid)
    for name, data in LARGEST.items():
        assert seconds(server, data, path, READ, times * ordinary) < times * ordinary, name
    assert peak(server.pid) < before + 20


def seconds(server: Server, data: bytes, path: str, answer: Answer, enough: float = 0.0) -> float:
    """Processor seconds of the server, the least of three: what else the machine does takes none of them.

    It is asked only once where that took less than ``enough``.
    """
    taken: list[float] = []
    while len(taken) < 3 and min(taken, default=enough) >= enough:
        start = server.seconds()
        assert asked(server, data, path) == answer
        taken.append(server.seconds() - start)
    return min(taken)
