"""The service keeps its own OpenAPI document. The long form: ``python -m tools.soak.openapi``."""

import pytest

from tests.hostile.openapi import KEY, answered, check
from tests.hostile.serving import serving


# 25 s on a quiet machine; beside a second run of all tests it took more than 120.
@pytest.mark.timeout(300)
@pytest.mark.threat("many inputs", "corrupt files")
def test_schemathesis_finds_nothing() -> None:
    with serving(KONKYO_API_KEYS=KEY) as server:
        done = check(server, "--max-examples", "10", seed=1)
        statuses, problems, trouble = answered(server), answered(server, "problem"), server.trouble()
    assert done.returncode == 0, done.stdout[-8000:]
    assert statuses[200] > 50
    assert problems["unreadable-image"] > 5  # the damaged images do arrive
    assert max(statuses) < 500
    assert trouble == ""
