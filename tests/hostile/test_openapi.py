"""The service keeps its own OpenAPI document."""

import pytest

from support.server import serving
from tests.hostile.openapi import KEY, answered, check


# 25 s on a quiet machine; beside a second run of all tests it took more than 120.
@pytest.mark.timeout(300)
@pytest.mark.threat("many inputs", "corrupt files")
def test_schemathesis_finds_nothing(times: int) -> None:
    """More runs with other seeds find more than longer ones."""
    with serving(KONKYO_API_KEYS=KEY) as server:
        for seed in range(1, times + 1):
            done = check(server, "--max-examples", "10", seed=seed)
            assert done.returncode == 0, done.stdout[-8000:]
        statuses, problems, trouble = answered(server), answered(server, "problem"), server.trouble()
    assert statuses[200] > 50
    assert problems["unreadable-image"] > 5  # the damaged images do arrive
    assert max(statuses) < 500
    assert trouble == ""
