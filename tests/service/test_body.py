"""What an upload may be: the image, a form that holds it, and what is refused before anything is computed."""

import json
from typing import Any

import anyio
import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.service.app import create_app
from konkyo.service.http import body
from konkyo.service.http.room import MOST_BYTES
from konkyo.service.settings import Settings
from tests.helpers.asgi import PNG, ask, sends
from tests.helpers.operations import check_problem
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.telemetry import lines

TOO_LARGE = "the request is larger than 256 KiB; make the image smaller: 28×28 needs less than 4 KiB"
FORM = "the form cannot be read; it must have a boundary and one file, in the field 'file'"
ONE_FIELD = "the form must hold nothing but the field 'file'; parameters go into the query string, as in ?target=3"
NO_FILE = "the form has no file in the field 'file'"
TYPES = (
    "send the image as multipart/form-data in the field 'file', "
    "or as the body itself with the Content-Type image/png or image/jpeg"
)


@pytest.mark.parametrize(
    ("data", "status", "kind", "detail"),
    [
        (b"", 422, "unreadable-image", "the image is empty: 0 bytes arrived"),
        (b"hello", 415, "unsupported-image", "the file is neither a PNG nor a JPEG image"),
        (encode(pixels(7), "GIF"), 415, "unsupported-image", "the file is neither a PNG nor a JPEG image"),
        (
            sample(7)[:120],
            422,
            "unreadable-image",
            "the image is damaged: a part of it is missing",
        ),
        (
            encode(np.zeros((32, 30), np.uint8)),
            422,
            "unsuitable-image",
            "the image is 30×32, and must be 28×28; with ?fit=auto it is brought to that size as the network's own "
            "images were",
        ),
    ],
    ids=["empty", "text", "GIF", "truncated", "32×30"],
)
def test_pictures_that_are_refused(
    client: TestClient, path: str, data: bytes, status: int, kind: str, detail: str
) -> None:
    check_problem(client.post(path, files={"file": data}), status, kind, detail)
    raw = client.post(path, content=data, headers={"content-type": "image/png"})
    check_problem(raw, status, kind, detail)


@pytest.mark.parametrize("media", [None, "application/json", "application/octet-stream", "image/gif", "text/plain"])
def test_other_bodies_are_refused(client: TestClient, path: str, media: str | None) -> None:
    headers = {"content-type": media} if media else {}
    check_problem(client.post(path, content=sample(7), headers=headers), 415, "unsupported-upload", TYPES)


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize(
    ("request_arguments", "detail"),
    [
        ({"content": sample(7), "headers": {"content-type": "multipart/form-data"}}, FORM),
        ({"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}}, FORM),
        ({"files": [("file", sample(7)), ("file", sample(3))]}, ONE_FIELD),
        ({"files": {"file": sample(7)}, "data": {str(n): "" for n in range(9)}}, FORM),
        ({"files": {"file": sample(7)}, "data": {"region": "1" * 2000}}, ONE_FIELD),
        ({"files": {"picture": sample(7)}}, NO_FILE),
        (
            {"files": {"file": sample(7)}, "data": {"region": "4"}},
            ONE_FIELD,
        ),
    ],
    ids=["no boundary", "not a form", "two files", "many fields", "large field", "other name", "parameter as field"],
)
def test_malformed_forms(client: TestClient, path: str, request_arguments: dict[str, Any], detail: str) -> None:
    check_problem(client.post(path, **request_arguments), 400, "malformed-upload", detail)


@pytest.mark.parametrize("name", ["数字.png".encode("shift_jis"), "表.png".encode("shift_jis"), b"\xe9.png"], ids=str)
def test_a_file_name_in_another_encoding_is_ignored(client: TestClient, path: str, name: bytes) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
    body = head + sample(7) + b"\r\n--x--\r\n"
    answer = client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.json()["predicted"] == 7


def test_no_form_is_written_to_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multipart.tempfile.TemporaryFile", lambda: pytest.fail("a temporary file"))
    answer = client.post("/predict", files={"file": b"x" * 200_000})
    check_problem(answer, 415, "unsupported-image", "the file is neither a PNG nor a JPEG image")


@pytest.mark.parametrize("charset", ["punycode", "undefined", "idna", "rot13", "nonsense"])
def test_charsets_that_decode_no_form(client: TestClient, path: str, charset: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="f\xffile"\r\n\r\nabc\r\n--x--\r\n'
    media = f"multipart/form-data; charset={charset}; boundary=x"
    answer = client.post(path, content=body, headers={"content-type": media})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:konkyo:problem:malformed-upload"


def test_a_text_field_is_no_file(client: TestClient, path: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n'
    answer = client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    check_problem(answer, 400, "malformed-upload", NO_FILE)


@pytest.mark.threat("body flood")
def test_a_body_that_announces_too_much(client: TestClient, path: str) -> None:
    answer = client.post(path, content=bytes(256 * 1024 + 1), headers={"content-type": "image/png"})
    check_problem(answer, 413, "content-too-large", TOO_LARGE)


@pytest.mark.threat("body flood")
def test_a_body_that_streams_too_much(client: TestClient, path: str) -> None:
    chunks = (bytes(1024) for _ in range(300))
    answer = client.post(path, content=chunks, headers={"content-type": "image/png"})
    assert "content-length" not in answer.request.headers
    check_problem(answer, 413, "content-too-large", TOO_LARGE)


@pytest.mark.threat("body flood")
def test_a_form_that_streams_too_much(client: TestClient, path: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n'
    chunks = (part for part in [head, *[bytes(1024)] * 300])
    answer = client.post(path, content=chunks, headers={"content-type": "multipart/form-data; boundary=x"})
    check_problem(answer, 413, "content-too-large", TOO_LARGE)


def test_a_body_at_the_limit_is_read(client: TestClient, path: str) -> None:
    padded = sample(7).ljust(256 * 1024, b"\0")
    answer = client.post(path, content=padded, headers={"content-type": "image/png"})
    assert answer.json()["predicted"] == 7


@pytest.mark.threat("error leakage, reflection")
def test_nothing_of_the_file_name_comes_back(client: TestClient, path: str) -> None:
    name = '<script>alert("x")</script>.png'
    for data in (sample(7), b"broken", sample(7)[:90]):
        assert "script" not in client.post(path, files={"file": (name, data)}).text


PATHS_WITH_A_BODY = ("/predict", "/v2/models/paired-3x3/infer", "/v1/models/paired-3x3:explain")


@pytest.mark.threat("bodies that do not end", "room is what a request occupies")
@pytest.mark.parametrize("where", PATHS_WITH_A_BODY)
def test_a_body_that_does_not_arrive_in_time_is_refused(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_SECONDS", 0.05)
    app = create_app(Settings())
    status, answer = anyio.run(ask, app, where, sends([bytes(500)], whole=False))
    assert status == 408
    problem = json.loads(answer)
    assert problem["type"] == "urn:konkyo:problem:slow-upload"
    assert problem["detail"] == "the body did not arrive within 0.05 seconds; send it again, faster"
    assert app.state.service.room._left == MOST_BYTES


@pytest.mark.parametrize("where", PATHS_WITH_A_BODY)
def test_a_body_that_ends_early_is_refused_and_gives_its_room_back(
    where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(Settings())
    status, _ = anyio.run(ask, app, where, sends([bytes(500)], whole=False, leaves=True))
    [line] = lines(capsys)
    assert (status, line["status"], line["problem"]) == (400, 400, "malformed-upload")
    assert app.state.service.room._left == MOST_BYTES


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("announced", [b"262145", b"9" * 400])
def test_what_a_head_announces_is_refused_without_the_body(announced: bytes) -> None:
    app = create_app(Settings())
    headers = [PNG, (b"content-length", announced)]
    status, answer = anyio.run(ask, app, "/predict", sends([]), headers)
    assert (status, json.loads(answer)["detail"]) == (413, TOO_LARGE)
