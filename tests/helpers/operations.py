"""What the operations on an image have in common."""

from typing import Any

PATHS = (
    "/predict",
    "/explain/filters",
    "/explain/occlusion",
    "/explain/shapley",
    "/explain/grounds",
    "/explain/process",
)


def check_problem(answer: Any, status: int, kind: str, detail: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"], body["detail"]) == (
        status,
        status,
        f"urn:konkyo:problem:{kind}",
        detail,
    )
