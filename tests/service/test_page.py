import json
import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import load_all
from konkyo.service.app import create_app
from konkyo.service.drawing.primitives import colours
from konkyo.service.settings import Settings
from konkyo.service.web.page import MEDIA_TYPES, WEB
from konkyo.trainer.data import read
from support.folders import DATA
from support.pictures import DIGITS, decode

FILES = sorted(
    path.relative_to(WEB).as_posix()
    for path in WEB.rglob("*")
    if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
)


def text(path: str) -> str:
    return (WEB / path).read_text()


def test_the_page(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == text("index.html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("setting", "ancestors"),
    [
        ("", "'none'"),
        ("example.org", "example.org"),
        (" *.example.org,localhost:3000 ", "*.example.org localhost:3000"),
    ],
)
def test_who_may_show_it_in_a_frame(setting: str, ancestors: str) -> None:
    framed = TestClient(create_app(Settings(frame_ancestors=setting)))
    page = framed.get("/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.endswith(f"; frame-ancestors {ancestors}")
    again = framed.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.headers["content-security-policy"]) == (304, policy)
    for path, status in (("/web/scripts/main.js", 200), ("/web/nothing", 404), ("/models", 200), ("/docs", 200)):
        other = framed.get(path)
        assert other.status_code == status
        assert other.headers["content-security-policy"].endswith("frame-ancestors 'none'")


def test_no_link_leads_nowhere(client: TestClient) -> None:
    """An edge does not show /docs, and says whom it asks for."""
    link = '<a href="/docs" data-word="documentation"></a>'
    assert client.get("/docs").status_code == 200
    whole = client.get("/")
    closed = TestClient(create_app(Settings(docs=False)))
    assert closed.get("/docs").status_code == 404
    for answer in (closed.get("/"), client.get("/", headers={"X-Forwarded-For": "192.0.2.1"})):
        assert answer.text == whole.text.replace(link, "")
        assert "/docs" not in answer.text
        kept = {"If-None-Match": answer.headers["etag"]}
        assert closed.get("/", headers=kept).status_code == 304
        assert client.get("/", headers=kept).status_code == 200
    assert link in whole.text


def test_every_part(client: TestClient) -> None:
    for path in FILES:
        answer = client.get(f"/web/{path}")
        assert answer.status_code == 200
        assert answer.content == (WEB / path).read_bytes()
        assert answer.headers["content-type"] == MEDIA_TYPES[Path(path).suffix]
        assert "content-security-policy" in answer.headers
    again = client.get(f"/web/{path}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_asked_for_only(client: TestClient) -> None:
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


def test_nothing_in_it_points_elsewhere() -> None:
    for path in FILES:
        if not path.endswith(".png"):
            # Commands to be typed name a host; they are no links.
            content = re.sub(r"<code\b[^>]*>.*?</code>", "", text(path), flags=re.DOTALL)
            hosts = re.findall(r"https?://[^\s\"'`)]+", content)
            assert set(hosts) <= {"http://www.w3.org/2000/svg"}, path
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script>", text("index.html"))


def test_both_languages_have_all_the_words() -> None:
    english, japanese = (
        set(re.findall(r"^ +\"?([\w-]+)\"?:", text(f"scripts/words/{tag}.js"), re.MULTILINE)) for tag in ("en", "ja")
    )
    assert english == japanese
    used = set(re.findall(r"data-(?:word|label)=\"(\w+)\"", text("index.html")))
    assert used
    assert used <= english


def test_the_colours_are_those_of_the_pictures() -> None:
    """The ends of each scale, and the five colours of each half of the one that diverges."""
    names = "paper", "hairline", "track", "ink", "muted", "accent", "first", "second"
    indices = {name: getattr(colours, name.upper()) for name in names}
    indices |= {"grey-0": colours.GREY, "grey-1": colours.INK_GREY}
    for name, end in (("negative", colours.NEGATIVE), ("positive", colours.POSITIVE)):
        indices |= {f"{name}-{k}": colours.NEUTRAL + k * (end - colours.NEUTRAL) // 4 for k in range(5)}
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", text("styles/base.css"))
    page = {name: both for name, *both in pairs}
    drawn = colours.hexadecimal("light"), colours.hexadecimal("dark")
    assert {name: page[name] for name in indices} == {
        name: [theme[index] for theme in drawn] for name, index in indices.items()
    }


def test_its_samples_hold_those_of_the_documentation() -> None:
    samples = {path.name: path.read_bytes() for path in (WEB / "digits").iterdir()}
    assert samples.items() >= {path.name: path.read_bytes() for path in DIGITS.iterdir()}.items()


@pytest.mark.parametrize("data", ["MNIST", "Animals"])
def test_each_network_has_its_own_samples(data: str) -> None:
    test = read(DATA if data == "MNIST" else DATA / "animals", "t10k")
    networks = {
        name: one for name, one in load_all().items() if one.card.dataset is not None and one.card.dataset.name == data
    }
    listed = json.loads(text("digits/samples.json"))
    assert set(listed) == set(load_all())
    for name in networks:
        assert set(listed[name]) == {"right", "wrong"}
        for kind, own in listed[name].items():
            assert len(own) >= 3
            for sample in own:
                number = int(sample["name"].rpartition("-")[2])
                image = test.images[number]
                assert np.array_equal(decode((WEB / "digits" / f"{sample['name']}.png").read_bytes())[..., 0], image)
                assert test.labels[number] == sample["truth"]
                assert (sample["truth"] == sample["predicted"]) is (kind == "right")
                read_as = {one: int(network.network.logits(image / 255).argmax()) for one, network in networks.items()}
                assert read_as.pop(name) == sample["predicted"]
                assert sample["versus"] in (read_as.values() if kind == "right" else [sample["truth"]])
                assert sample["versus"] != sample["predicted"]


def test_a_colour_network_has_sample_pictures() -> None:
    network = load_all()["tiny-vgg"].network
    pictures = json.loads(text("digits/samples.json"))["tiny-vgg"]["pictures"]
    assert len(pictures) == 9
    for sample in pictures:
        pixels = decode((WEB / "digits" / f"{sample['name']}.png").read_bytes())
        assert pixels.shape == (64, 64, 3)
        predicted = int(network.logits(pixels.transpose(2, 0, 1) / 255).argmax())
        assert predicted == sample.get("predicted", sample["truth"])
