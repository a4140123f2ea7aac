"""On how many examples a property is tried: ``pytest --times 20`` tries twenty times as many."""

from hypothesis import HealthCheck, Phase, settings

USUAL = 25


def register_profiles(times: int = 1) -> None:
    """Take the usual one, ``times`` as large, until pytest is told another."""
    # Time is no answer: a busy machine must not fail a test.
    usual = settings(
        deadline=None, max_examples=times * USUAL, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.register_profile("usual", usual)
    # For `tools.mutants`: few, the same ones for each mutant, and none is made smaller.
    few = {"max_examples": 10, "derandomize": True, "phases": [Phase.explicit, Phase.generate], "database": None}
    settings.register_profile("mutants", usual, **few)
    settings.load_profile("usual")


def examples(count: int) -> settings:
    """So many in the usual profile, in proportion in another."""
    return settings(max_examples=max(1, count * settings().max_examples // USUAL))
