"""The service keeps its own OpenAPI document. The long form: ``python -m tools.soak.openapi``."""

from collections.abc import Iterator

import pytest

from tests.hostile.openapi import KEY, answered, check
from tests.hostile.serving import Server, serving


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with serving(KONKYO_API_KEYS=KEY) as server:
        yield server


@pytest.mark.timeout(120)
@pytest.mark.threat("many inputs")
def test_schemathesis_finds_nothing(guarded: Server) -> None:
    done = check(guarded, "--max-examples", "6", hostile=False, seed=1)
    assert done.returncode == 0, done.stdout[-8000:]
    assert answered(guarded)[200] > 100
    assert not [status for status in answered(guarded) if status >= 500]


@pytest.mark.timeout(120)
@pytest.mark.threat("corrupt files")
def test_schemathesis_finds_nothing_with_damaged_pictures(guarded: Server) -> None:
    before = answered(guarded)
    done = check(guarded, "--max-examples", "15", "--phases", "fuzzing", "--mode", "positive", hostile=True, seed=1)
    assert done.returncode == 0, done.stdout[-8000:]
    seen = answered(guarded) - before
    assert seen[422] > 5  # the damaged images do arrive
    assert seen[200] > 5
    assert guarded.trouble() == ""
