"""What the service logged and counted."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metric(client: TestClient, name: str) -> float:
    """The value of a line of /metrics; 0 where there is none yet."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.removeprefix(f"{name} "))
    return 0.0
