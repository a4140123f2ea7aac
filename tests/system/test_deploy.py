"""What operators are given fits the service: settings, alerts, manifests, and the tables of docs/operations.md."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]
from fastapi.testclient import TestClient

import konkyo
from konkyo.service.app import create_app
from konkyo.service.http import room, turns
from konkyo.service.settings import PREFIX, Settings
from support.folders import ROOT
from support.pictures import sample
from tests.helpers.tensors import PATH, request

DEPLOY = ROOT / "deploy"
DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
# In a container they are fixed, and mean what is published.
FIXED = {"KONKYO_HOST", "KONKYO_PORT", "KONKYO_MODELS"}

promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")


def rows(heading: str) -> list[str]:
    """The names in the first column of a table."""
    table = DOCUMENT.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]


def test_the_example_has_every_setting_with_its_default() -> None:
    settings = {PREFIX + name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert settings.keys() <= EXAMPLE.keys()
    ours = {"KONKYO_WORKERS": "2", "KONKYO_DOCS": "false", "KONKYO_MODELS": "./models", "KONKYO_PROXIES": "*"}
    expected = {name: ours.get(name, str(default)) for name, default in settings.items()}
    assert {name: EXAMPLE[name] for name in settings} == expected


def test_what_is_deployed_names_the_version() -> None:
    version = konkyo.__version__
    assert EXAMPLE["KONKYO_VERSION"] == version
    assert f"image: registry.example.org/konkyo:{version}\n" in (DEPLOY / "kubernetes.yml").read_text()
    for dockerfile in (ROOT / "Dockerfile", ROOT / "trainer" / "Dockerfile"):
        assert f'org.opencontainers.image.version="{version}"\n' in dockerfile.read_text()
    assert f"s/^KONKYO_VERSION=.*/KONKYO_VERSION={version}/" in DOCUMENT
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_compose_has_the_same_defaults_and_passes_every_setting_on() -> None:
    files = COMPOSE + (DEPLOY / "tls.yml").read_text()
    defaults = dict(re.findall(r"\$\{(KONKYO_\w+):-(.*?)\}", files))
    assert defaults == {name: value for name, value in EXAMPLE.items() if name.startswith(PREFIX)}
    passed = set(yaml.safe_load(COMPOSE)["services"]["konkyo"]["environment"])
    assert passed == {PREFIX + name.upper() for name in Settings.model_fields} - {"KONKYO_HOST", "KONKYO_PORT"}


@pytest.mark.threat("packages that are not what they were")
@pytest.mark.parametrize(
    ("folder", "extra"), [(ROOT, "serve"), (ROOT / "trainer", "train")], ids=["service", "trainer"]
)
def test_an_image_installs_only_what_has_a_hash(folder: Path, extra: str) -> None:
    """And what it installs first, as a layer of its own, is the same after a change of the code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["project"]["dependencies"] + project["project"]["optional-dependencies"][extra]
    wanted = {re.split(r"[<>=]", one)[0] for one in listed + project["build-system"]["requires"]}
    locked = (folder / "requirements.txt").read_text()
    entries = re.findall(r"^(\S+)==(\S+)(.*(?:\\\n    --hash=sha256:[0-9a-f]{64}.*)+)$", locked, re.M)
    assert len(entries) == len(re.findall(r"^\S+==", locked, re.M))
    versions = {(name, version) for name, version, _ in entries}
    assert wanted <= {name for name, _ in versions}
    assert versions <= {*re.findall(r"^(\S+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.M)}
    steps = (folder / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    installs = [line for line in steps if "install" in line]
    options = [
        "--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs if "pip" in line
    ]
    assert options == [True, True]
    code = next(number for number, line in enumerate(steps) if line.startswith("COPY models"))
    assert steps.index(next(line for line in steps if "--require-hashes" in line)) < code


@pytest.fixture(scope="module")
def exposed() -> str:
    """The metrics of a service that has answered and refused."""
    with TestClient(create_app(Settings())) as client:
        assert client.post("/explain/shapley", files={"file": sample(7)}).status_code == 200
        assert client.post("/predict", files={"file": b"none"}).status_code == 415
        return client.get("/metrics").text


def test_the_document_has_every_metric(exposed: str) -> None:
    families = {*re.findall(r"^# TYPE (\w+) ", exposed, re.M)}
    ours = {name for name in families if not re.match(r"process_|python_|\w+_created$", name)}
    assert set(rows("metric")) == ours | {"process_resident_memory_bytes"} <= families


def test_the_alerts_ask_for_metrics_and_labels_that_there_are(exposed: str) -> None:
    alerts = [rule for group in _read("alerts.yml")["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in alerts] == rows("alert")
    asked = {name for rule in alerts for name in re.findall(r"(\w+)\{", rule["expr"])} - {"up"}
    assert asked == {name for name in asked if re.search(rf"^{name}\{{", exposed, re.M)}
    assert len(asked) == 4
    assert 'konkyo_rejected_total{reason="unsupported-image"}' in exposed


def test_the_document_has_every_field_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    client = TestClient(create_app(Settings(api_keys="key")), raise_server_exceptions=False)
    key = {"X-API-Key": "key"}
    client.post("/predict", files={"file": sample(7)}, headers=key)
    client.post("/predict", files={"file": sample(7)})
    client.post(PATH, json=request(), headers=key)
    found = {name for line in capsys.readouterr().out.splitlines() for name in json.loads(line)}
    assert set(rows("the service's")) == found | {"exception"}
    form = re.search(r"log_format edge .*?;", (ROOT / "nginx.conf").read_text(), re.S)
    assert form is not None
    assert set(rows("the edge's")) == set(re.findall(r'"(\w+)":', form[0]))


def test_the_document_has_the_limits_of_the_edge_and_of_a_worker() -> None:
    edge = (ROOT / "nginx.conf").read_text() + (DEPLOY / "edge" / "balancer.conf").read_text()
    limits = {name: int(number) for name, number in re.findall(r"limit_conn (\w+) (\d+);", edge)}
    shown = [
        tuple(int(cell.replace(",", "")) for cell in cells if cell)
        for cells in re.findall(r"^\|[^|]+\| ([\d,]+) \| ([\d,]*) ?\|$", DOCUMENT, re.M)
    ]
    assert shown == [
        (limits["clients"], limits["everybody"]),
        (limits["asking"], limits["asked"]),
        (limits["tensors"],),
        (turns.SLICE * 1000,),
        (turns.BEGUN_OF_ADDRESS, turns.MOST_BEGUN),
        (turns.HELD_OF_ADDRESS / 2**20, turns.MOST_HELD / 2**20),
        (turns.BATCHES_OF_ADDRESS, turns.MOST_BATCHES),
        (room.SHARE / 2**20, room.MOST_BYTES / 2**20),
    ]


@promtool
@pytest.mark.parametrize("command", [["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]])
def test_prometheus_reads_them(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=DEPLOY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_reads_the_manifests() -> None:
    for document in _manifests().values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_manifests_fit_each_other_and_the_service() -> None:
    found = _manifests()
    pod = found["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]
    assert {variable["name"] for variable in container["env"]} <= EXAMPLE.keys()
    with TestClient(create_app(Settings())) as client:
        for probe in ("readinessProbe", "livenessProbe"):
            assert client.get(container[probe]["httpGet"]["path"]).status_code == 200
    [key] = (variable for variable in container["env"] if variable["name"] == "KONKYO_API_KEYS")
    # Without the secret no pod starts. Left to be optional, a misspelt one would let everybody ask.
    assert key["valueFrom"]["secretKeyRef"] == {"name": "konkyo", "key": "keys"}
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    user = re.search(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user is not None
    assert pod["spec"]["securityContext"]["runAsUser"] == int(user[1])


def _manifests() -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all((DEPLOY / "kubernetes.yml").read_text())}


def _read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())
