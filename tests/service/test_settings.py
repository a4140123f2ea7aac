"""What is no setting stops the start, and no message repeats a value, which can be a key."""

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.service.app import create_app
from konkyo.service.settings import Settings, error_lines, misspelt


def complaint(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    return error_lines(caught.value)


MEANT = {
    "KONKYO_API_KEY": "KONKYO_API_KEYS",
    "konkyo_key": "KONKYO_API_KEYS",
    "KONKYO_API_TOKEN": "KONKYO_API_KEYS",
    "KONKYO_ALLOWED_HOSTS": "KONKYO_TRUSTED_HOSTS",
    "KONKYO_HOSTNAME": "KONKYO_HOST",
    "KONKYO_PROT": "KONKYO_PORT",
    "KONKYO_DOCUMENTATION": "KONKYO_DOCS",
    "KONKYO_MAX_WAIT": "KONKYO_MAX_WAITING",
}


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize("name", MEANT)
def test_a_name_that_resembles_a_setting_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint(name, "a-secret", monkeypatch) == [f"{name} is no setting; {MEANT[name]} is"]


LEFT_ALONE = {
    "KONKYO_DATA": "/data",
    "KONKYO_LOG_LEVEL": "debug",
    "OTHER_KONKYO_API_KEY": "x",
    # What Kubernetes injects for services named konkyo and konkyo-docs.
    "KONKYO_SERVICE_HOST": "10.0.0.1",
    "KONKYO_SERVICE_PORT_HTTP": "8000",
    "KONKYO_PORT_8000_TCP_PORT": "8000",
    "KONKYO_PORT_8000_TCP_ADDR": "10.0.0.1",
    "KONKYO_DOCS_PORT": "tcp://10.0.0.1:80",
}


@pytest.mark.threat("settings that fail open")
def test_a_name_that_resembles_none_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(misspelt(LEFT_ALONE)) == []
    for name, value in LEFT_ALONE.items():
        monkeypatch.setenv(name, value)
    assert Settings() == Settings.model_construct()


def test_unset_and_empty_mean_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"KONKYO_{name.upper()}", "")
    assert Settings() == Settings.model_construct()


def test_an_address_in_the_place_of_the_port_is_kubernetes_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONKYO_PORT", "tcp://10.0.0.1:9000")
    assert Settings().port == 8000
    assert complaint("KONKYO_PORT", "10.0.0.1:9000", monkeypatch)[0].startswith("KONKYO_PORT: must be a valid ")


# Of each setting: what is said, and of which values.
WRONG = {
    "KONKYO_API_KEYS": {
        "holds no key; leave it empty to let everybody ask": [",", " "],
        "holds a key that no header can carry; letters, digits and signs of ASCII are right": [
            *("schlüssel", "good,鍵", "two\nlines", "a\x7fb"),
        ],
    },
    "KONKYO_TRUSTED_HOSTS": {
        "holds no name; * is any": [","],
        "holds what is no host name; example.org, *.example.org and * are right, without scheme and port": [
            *("foo*", "*foo", "a.*.b", "*.", "example.org:8000", "https://example.org", "example.org, a b"),
            "bücher.example",
        ],
    },
    "KONKYO_FRAME_ANCESTORS": {
        "holds no host; leave it empty to be shown in no frame, * is any": [","],
        "holds what is no host; example.org, *.example.org, example.org:8443 and * are right, without scheme": [
            *("example.org; script-src *", "https://example.org", "example.org/course", "'self'", "*.", "foo*"),
            *("[::1]", "example.org:", "example.org, a b", "bücher.example"),
            # Digits and letters of other scripts.
            *("example.org:\uff18\uff14\uff14\uff13", "\uff45xample.org", "\u212aonkyo.org"),
        ],
    },
}


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [(name, text, message) for name, said in WRONG.items() for message, texts in said.items() for text in texts],
)
def test_lists_that_are_refused(name: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint(name, text, monkeypatch) == [f"{name}: {message}"]


def test_lists_that_are_taken() -> None:
    keys = Settings(api_keys="a, b c ,!~+-*=/.:;'\"<>,").keys
    assert keys == ("a", "b c", "!~+-*=/.:;'\"<>")
    hosts = ("example.org", "*.example.org", "*", "127.0.0.1", "[::1]", "Under_score-1", "localhost")
    assert Settings(trusted_hosts=", ".join(hosts)).hosts == hosts
    framing = ("courses.example.org", "*.example.org", "*", "127.0.0.1:*", "localhost:3000")
    assert Settings(frame_ancestors=",".join(framing)).framing_hosts == framing


def test_every_wrong_setting_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONKYO_API_KEYS", ",")
    assert len(complaint("KONKYO_WORKERS", "many", monkeypatch)) == 2


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONKYO_PORT", "9000")
    monkeypatch.setenv("KONKYO_DEFAULT_MODEL", "lenet-6x16")
    settings = Settings()
    assert (settings.port, settings.models) == (9000, DIRECTORY)
    assert TestClient(create_app(settings)).get("/models").json()["default"] == "lenet-6x16"
    for port in ("0", "65536"):
        assert len(complaint("KONKYO_PORT", port, monkeypatch)) == 1
