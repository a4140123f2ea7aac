"""Timing several ways of doing one thing, in turns, so that all of them meet the same weather."""

import time
from collections.abc import Callable, Mapping
from statistics import median


def medians(ways: Mapping[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """Median seconds of one call of each way; a round calls every way once, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}
