import pytest

from konkyo.service.errors import NotAcceptableError
from konkyo.service.http import answer
from konkyo.service.http.answer import MOST_ACCEPT, Format, choose
from tests.helpers.refuse import refuses


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Format.JSON),
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("application/json", Format.JSON),
        ("image/png", Format.PNG),
        ("IMAGE/PNG", Format.PNG),
        ("image/*", Format.PNG),
        ("image/svg+xml", Format.SVG),
        ("image/svg+xml, image/png;q=0.9", Format.SVG),
        ("image/png;q=0.5, application/json;q=0.4", Format.PNG),
        ("image/png;q=0.4, application/json;q=0.5", Format.JSON),
        ("image/png, application/json", Format.JSON),
        ("image/png;q=0, */*;q=0.1", Format.JSON),
        ("application/json;q=0, */*", Format.PNG),
        ("text/html, image/avif, image/webp, image/png, */*;q=0.8", Format.PNG),
        ("image/png;level=1;q=0.9, application/json;q=0.8", Format.PNG),
        ("application/json;q=nan, image/png;q=0.1", Format.PNG),
        ("application/json;q=1e400, image/png;q=0.1", Format.PNG),
        ("application/json;q=1_0, image/png;q=0.001", Format.PNG),
        ("application/json;q=0., image/png;q=1.000", Format.PNG),
        ("image/png;q=nonsense, application/json;q=0.1", Format.JSON),
    ],
)
def test_accept(accept: str | None, form: Format) -> None:
    assert choose(None, accept) is form


def test_the_parameter_goes_before_the_header() -> None:
    assert choose(Format.PNG, "application/json") is Format.PNG
    assert choose(Format.JSON, "text/html") is Format.JSON


@pytest.mark.parametrize("accept", ["text/html", "image/jpeg", "application/json;q=0, image/png;q=0", "nonsense"])
def test_nothing_acceptable(accept: str) -> None:
    with refuses(
        NotAcceptableError, "answers come as application/json, image/png or image/svg+xml; Accept allows none of them"
    ):
        choose(None, accept)


@pytest.mark.threat("validation as a weapon")
def test_an_accept_header_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 KB took 10 ms. It counts as none."""
    longest = "image/png".ljust(MOST_ACCEPT)
    assert choose(None, longest) is Format.PNG
    monkeypatch.setattr(answer, "_parse", lambda _: pytest.fail("it is read"))
    for accept in (longest + " ", "text/html," * 1500, "application/json;q=0, image/png," * 400):
        assert choose(None, accept) is Format.JSON
    assert choose(Format.PNG, "text/html," * 1500) is Format.PNG
