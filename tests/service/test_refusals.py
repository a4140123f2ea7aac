"""What is refused, in tables: a request, its status, and its exact message. The protocols have theirs in
test_protocols_refusals.py."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.architecture import Architecture
from support.pictures import encode, pixels, sample
from tests.helpers.folders import NETWORKS
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload

SEVEN = {"file": sample(7)}
MULTIPART = "multipart/form-data; boundary=x"
PNG = {"content-type": "image/png"}

INVALID = "invalid-parameter"
UNKNOWN = "query: holds a parameter that this operation does not have; it has "
PICTURE = "format, scale, theme, language"
IMAGE = f"{PICTURE}, fit, polarity, model"
CLASS = f"{IMAGE}, target, versus"
HAS = {
    "/predict": IMAGE,
    "/explain/filters": f"{CLASS}, maps, top",
    "/explain/occlusion": f"{CLASS}, region, stride, fill, score, pairs, faithfulness",
    "/explain/shapley": f"{CLASS}, region, fill, pairs, interactions, faithfulness",
    "/explain/grounds": f"{IMAGE}, region, fill, hide",
    "/explain/process": f"{CLASS}, top",
}
NO_MODEL = f"there is no such model; there are {NETWORKS}"
ACCEPT = "answers come as application/json, image/png or image/svg+xml; Accept allows none of them"
NOTHING = "there is nothing at this path; see /docs for what there is"
METHOD = "this path does not take that method; it takes "
PICTURES_ONLY = "is for pictures; ask for format=png or svg too, or leave it out"
JSON_ONLY = "is for JSON; ask for format=json, or leave it out"
LETTERS = "language: the letters of a PNG are English; ask for format=svg, which has Japanese"
CLASSES = "must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
FILL = "fill: must be a number from 0 to 1, background or blur"
HIDE = "hide: must be regions as row.column, from 0, with - between them, such as 2.3-4.5"
GRID = "hide: must be regions of the grid, which has 7 rows and 7 columns"
OWN_PICTURE = "interactions: has a picture of its own; ask for it without pairs"
BETWEEN = "to that size as the network's own images were"
MNIST = "fit: mnist is for networks of grey images of 28×28, and this one takes {}; with auto a picture is brought "
TOO_MUCH = "all their combinations take more than 64 MiB"


def refused(answer: Any, status: int, kind: str, detail: str) -> None:
    """With this problem, which names each wrong parameter."""
    check_problem(answer, status, kind, detail)
    if kind == INVALID:
        named = [f"{wrong['parameter']}: {wrong['message']}" for wrong in answer.json()["errors"]]
        assert "; ".join(named) == detail


# What every operation on an image refuses.
OF_ALL = {
    "fit=stretch": "fit: must be 'auto', 'exact', 'mnist' or 'resize'",
    "polarity=dark": "polarity: must be 'auto', 'light-on-dark' or 'dark-on-light'",
    "scale=0": "scale: must be greater than or equal to 1",
    "scale=5": "scale: must be less than or equal to 4",
    "theme=blue": "theme: must be 'light' or 'dark'",
    "theme=dark&scale=2&theme=dark": "theme: must be given once",
    "language=ja&format=png": LETTERS,
    "scale=2": f"scale: {PICTURES_ONLY}",
    "theme=dark&format=json": f"theme: {PICTURES_ONLY}",
    "language=ja": f"language: {PICTURES_ONLY}",
}


@pytest.mark.parametrize("path", PATHS)
def test_queries(client: TestClient, path: str) -> None:
    for query, detail in OF_ALL.items():
        refused(client.post(f"{path}?{query}", files=SEVEN), 422, INVALID, detail)
    for query in ("regoin=4", "regoin=4&regoin=4"):
        refused(client.post(f"{path}?{query}", files=SEVEN), 422, INVALID, f"{UNKNOWN}{HAS[path]}")
    forms = "'json', 'png', 'svg' or 'html'" if path == "/explain/grounds" else "'json', 'png' or 'svg'"
    refused(client.post(f"{path}?format=gif", files=SEVEN), 422, INVALID, f"format: must be {forms}")
    by_header = client.post(f"{path}?language=ja", headers={"accept": "image/png"}, files=SEVEN)
    refused(by_header, 422, INVALID, LETTERS)
    refused(client.post(f"{path}?model=resnet", files=SEVEN), 404, "unknown-model", NO_MODEL)
    refused(client.post(path, headers={"accept": "text/html"}, files=SEVEN), 406, "not-acceptable", ACCEPT)


# What one operation refuses. The image is a 7.
OF_ONE = {
    "predict?target=3": f"{UNKNOWN}{HAS['/predict']}",
    "predict?versus=3": f"{UNKNOWN}{HAS['/predict']}",
    "explain/filters?target=10": f"target: {CLASSES}",
    "explain/filters?versus=10": f"versus: {CLASSES}",
    "explain/filters?target=3&versus=3": "versus: must differ from the target; both are 3",
    "explain/filters?maps=all": "maps: must be 'none', 'totals' or 'full'",
    "explain/filters?region=2": f"{UNKNOWN}{HAS['/explain/filters']}",
    "explain/filters?top=257": "top: must be less than or equal to 256",
    "explain/filters?top=3&maps=full": "top: is not for maps, which are of all pairs; leave one of them out",
    "explain/filters?top=3&format=png": f"top: {JSON_ONLY}",
    "explain/filters?maps=full&format=svg": f"maps: {JSON_ONLY}",
    "explain/occlusion?faithfulness=true&format=png": f"faithfulness: {JSON_ONLY}",
    "explain/occlusion?region=15": "region: must be from 1 to 14 pixels, not 15",
    "explain/occlusion?region=0": "region: must be greater than or equal to 1",
    "explain/occlusion?region=113": "region: must be less than or equal to 112",
    "explain/occlusion?stride=0": "stride: must be greater than or equal to 1",
    "explain/occlusion?region=3&stride=4": (
        "stride: must be from 1 to the region's 3, so that no pixel is skipped, not 4"
    ),
    "explain/occlusion?score=loss": "score: must be 'logit' or 'probability'",
    "explain/occlusion?pairs=maybe": "pairs: must be a valid boolean, unable to interpret input",
    "explain/occlusion?versus=7": "versus: must differ from the target; both are 7",
    "explain/occlusion?pairs=true&score=probability": (
        "pairs: contributions add up to the logit; ask for score=logit, or without pairs"
    ),
    **{f"explain/occlusion?fill={fill}": FILL for fill in ("-0.1", "1.1", "nan", "mean", "")},
    "explain/shapley?fill=2": FILL,
    "explain/shapley?region=1": (
        f"region: hiding changes 146 regions of this image, and {TOO_MUCH}; a side of 4 pixels would do"
    ),
    "explain/shapley?interactions=true&pairs=true&format=png": OWN_PICTURE,
    "explain/shapley?interactions=true&region=1": (
        "query: the answer would have 1,542,520 numbers, and it may have 1,048,576; ask for less"
    ),
    "explain/grounds?fill=2": FILL,
    "explain/grounds?region=2": (
        f"region: hiding changes 54 regions of this image, and {TOO_MUCH}; a side of 4 pixels would do"
    ),
    **{f"explain/grounds?hide={hide}": HIDE for hide in ("", "1", "1.2-", "a.b", "1.2,3.4", "-1.2", "123.4")},
    "explain/grounds?hide=7.0": GRID,
    "explain/grounds?hide=0.12": GRID,
    "explain/grounds?target=3": f"{UNKNOWN}{HAS['/explain/grounds']}",
    "explain/process?top=257": "top: must be less than or equal to 256",
    "explain/process?format=png&scale=4": (
        "scale: this picture is 1086×612 pixels at scale 1, so scale must be at most 3, not 4"
    ),
}


@pytest.mark.parametrize("asked", OF_ONE)
def test_options(client: TestClient, asked: str) -> None:
    refused(client.post(f"/{asked}", files=SEVEN), 422, INVALID, OF_ONE[asked])


@pytest.mark.parametrize("path", PATHS)
def test_defaults_are_always_accepted(client: TestClient, path: str) -> None:
    """Clients that were generated send each of them; of those that are absent, nothing."""
    operation = client.get("/openapi.json").json()["paths"][path]["post"]
    said = {one["name"]: one["schema"].get("default") for one in operation["parameters"] if one["in"] == "query"}
    defaults = {name: str(value).lower() for name, value in said.items() if value is not None}
    assert {"scale", "theme", "language", "fit"} <= defaults.keys()
    for form in ("json", "png"):
        answer = client.post(path, params={**defaults, "format": form}, files=SEVEN)
        assert answer.status_code == 200, answer.text


# What networks of other shapes refuse.
OF_OTHERS = {
    "predict?model=colour&fit=mnist": MNIST.format("colour images of 32×32") + BETWEEN,
    "predict?model=tiny&fit=mnist": MNIST.format("grey images of 8×8") + BETWEEN,
    "predict?model=colour&polarity=dark-on-light": "polarity: colour images are never inverted; leave it out",
    "explain/occlusion?model=colour&region=17": "region: must be from 1 to 16 pixels, not 17",
    "explain/shapley?model=colour&region=17": "region: must be from 1 to 16 pixels, not 17",
    "explain/grounds?model=single-colour&region=5": "region: must be from 1 to 4 pixels, not 5",
    **{
        f"explain/{operation}?model=hidden&pairs=true": (
            "pairs: with hidden affine layers the head differs from hiding to hiding; ask without pairs"
        )
        for operation in ("occlusion", "shapley")
    },
    "explain/shapley?model=hidden&region=4": (
        "region: with hidden affine layers hiding may change at most 16 regions, and it changes 49; a side of 7 pixels "
        "would do"
    ),
    "explain/shapley?model=huge": f"region: hiding changes 4 regions of this image, and {TOO_MUCH}",
    "explain/grounds?model=huge": f"region: hiding changes 4 regions of this image, and {TOO_MUCH}",
    "explain/filters?model=huge": "model: one image takes this network more than 64 MiB",
    "explain/process?model=huge": "model: one image takes this network more than 64 MiB",
}


@pytest.mark.parametrize("asked", OF_OTHERS)
def test_networks_of_other_shapes(shapes: TestClient, asked: str) -> None:
    [name] = [name for name in (*ARCHITECTURES, *EXTREMES) if f"model={name}" in asked.split("?")[1].split("&")]
    files = upload({**ARCHITECTURES, **EXTREMES}[name])[1]
    refused(shapes.post(f"/{asked}", files=files), 422, INVALID, OF_OTHERS[asked])


# What is no image, as a file in a form and as a raw body.
FORMAT = "the file is neither a PNG nor a JPEG image"
SIZE = f"the image is {{}}, and must be {{}}; with ?fit=auto it is brought {BETWEEN}"
IMAGES: dict[str, tuple[bytes, int, str, str]] = {
    "empty": (b"", 422, "unreadable-image", "the image is empty: 0 bytes arrived"),
    "text": (b"hello", 415, "unsupported-image", FORMAT),
    "GIF": (encode(pixels(7), "GIF"), 415, "unsupported-image", FORMAT),
    "truncated": (sample(7)[:120], 422, "unreadable-image", "the image is damaged: a part of it is missing"),
    "30×32": (encode(np.zeros((32, 30), np.uint8)), 422, "unsuitable-image", SIZE.format("30×32", "28×28")),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(client: TestClient, name: str) -> None:
    data, status, kind, detail = IMAGES[name]
    refused(client.post("/predict", files={"file": data}), status, kind, detail)
    refused(client.post("/predict", content=data, headers=PNG), status, kind, detail)


def test_an_image_of_another_size_than_the_network_s(shapes: TestClient) -> None:
    for name, size, fits in (("colour", "33×33", "32×32"), ("tiny", "9×9", "8×8")):
        other = Architecture(ARCHITECTURES["tiny"].stages, ARCHITECTURES[name].side + 1)
        answer = shapes.post(f"/predict?model={name}", files=upload(other)[1])
        refused(answer, 422, "unsuitable-image", SIZE.format(size, fits))


def test_bodies_of_other_types(client: TestClient) -> None:
    detail = (
        "send the image as multipart/form-data in the field 'file', or as the body itself with the Content-Type "
        "image/png or image/jpeg"
    )
    for headers in ({}, {"content-type": "application/json"}, {"content-type": "image/gif"}):
        refused(client.post("/predict", content=sample(7), headers=headers), 415, "unsupported-upload", detail)


def part(content: bytes, name: bytes = b'name="file"', charset: str = "") -> dict[str, Any]:
    """A form of one part that is no file."""
    body = b"--x\r\nContent-Disposition: form-data; " + name + b"\r\n\r\n" + content + b"\r\n--x--\r\n"
    return {"content": body, "headers": {"content-type": MULTIPART + charset}}


FORM = "the form cannot be read; it must have a boundary and one file, in the field 'file'"
ONE_FIELD = "the form must hold nothing but the field 'file'; parameters go into the query string, as in ?target=3"
NO_FILE = "the form has no file in the field 'file'"
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no boundary": ({"content": sample(7), "headers": {"content-type": "multipart/form-data"}}, FORM),
    "not a form": ({"content": b"nonsense", "headers": {"content-type": MULTIPART}}, FORM),
    "many fields": ({"files": SEVEN, "data": {str(n): "" for n in range(9)}}, FORM),
    "two files": ({"files": [("file", sample(7)), ("file", sample(3))]}, ONE_FIELD),
    "large field": ({"files": SEVEN, "data": {"region": "1" * 2000}}, ONE_FIELD),
    "parameter as field": ({"files": SEVEN, "data": {"region": "4"}}, ONE_FIELD),
    "other name": ({"files": {"picture": sample(7)}}, NO_FILE),
    "a text field": (part(b"abc"), NO_FILE),
    **{
        f"charset {charset}": (part(b"abc", b'name="f\xffile"', f"; charset={charset}"), NO_FILE)
        for charset in ("punycode", "rot13", "nonsense")
    },
}


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", FORMS)
def test_forms(client: TestClient, name: str) -> None:
    given, detail = FORMS[name]
    refused(client.post("/predict", **given), 400, "malformed-upload", detail)


def chunks(head: bytes = b"") -> Iterator[bytes]:
    """More than a body may have, without a Content-Length."""
    yield head
    yield from [bytes(1024)] * 300


@pytest.mark.threat("body flood")
def test_bodies_that_are_too_large(client: TestClient) -> None:
    """Without an announcement. With one: test_what_a_head_announces_is_refused_without_the_body."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n'
    for body, media in ((chunks(), "image/png"), (chunks(head), MULTIPART)):
        answer = client.post("/predict", content=body, headers={"content-type": media})
        assert "content-length" not in answer.request.headers
        detail = "the request is larger than 256 KiB; make the image smaller: 28×28 needs less than 4 KiB"
        refused(answer, 413, "content-too-large", detail)


FILTERS = "/models/paired-3x3/filters"
GETS: dict[str, tuple[int, str, str]] = {
    "/nowhere": (404, "not-found", NOTHING),
    "/docs/static/..%2f..%2fapp.py": (404, "not-found", NOTHING),
    **{f"/models/resnet{end}": (404, "unknown-model", NO_MODEL) for end in ("", "/filters", "/weights")},
    **{
        f"/models{end}?format=png": (422, INVALID, f"{UNKNOWN}none")
        for end in ("", "/paired-3x3", "/paired-3x3/weights")
    },
    f"{FILTERS}?scale=5": (422, INVALID, "scale: must be less than or equal to 4"),
    f"{FILTERS}?format=gif": (422, INVALID, "format: must be 'json', 'png' or 'svg'"),
    f"{FILTERS}?model=summed-3x3": (422, INVALID, f"{UNKNOWN}{PICTURE}"),
    **dict.fromkeys(PATHS, (405, "method-not-allowed", f"{METHOD}POST")),
}


def test_look_ups(client: TestClient) -> None:
    for path, expected in GETS.items():
        refused(client.get(path), *expected)
    refused(client.get(FILTERS, headers={"accept": "text/html"}), 406, "not-acceptable", ACCEPT)
    refused(client.post(FILTERS), 405, "method-not-allowed", f"{METHOD}GET")
    assert (client.get("/predict").headers["allow"], client.post(FILTERS).headers["allow"]) == ("POST", "GET")


WRONG = (
    "format=gif&scale=9&theme=blue&fit=stretch&polarity=dark&target=ten&versus=ten&region=0&stride=0&fill=2&score=loss"
    "&pairs=maybe&faithfulness=maybe"
)


@pytest.mark.threat("validation as a weapon")
def test_at_most_ten_errors_are_named_and_unknown_parameters_once(client: TestClient) -> None:
    answer = client.post(f"/explain/occlusion?{WRONG}", files=SEVEN)
    assert len({one["parameter"] for one in answer.json()["errors"]}) == len(answer.json()["errors"]) == 10
    refused(answer, 422, INVALID, answer.json()["detail"])
    answer = client.post("/predict?secret=1&hidden=2&scale=9", files=SEVEN)
    refused(answer, 422, INVALID, f"scale: must be less than or equal to 4; {UNKNOWN}{IMAGE}")
    assert "secret" not in answer.text
