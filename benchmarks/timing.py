"""Timing several ways of doing one thing, in turns, so that all of them meet the same weather."""

import time
from collections.abc import Callable, Mapping
from statistics import median

from rich.console import Console
from rich.table import Table

Ways = Mapping[str, Callable[[], object]]

console = Console()


# A turn lasts at least this long: what the turn before left in the caches must not decide.
TURN_SECONDS = 0.02


def medians(ways: Ways, rounds: int, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Seconds of one call of each way: the median over rounds of the mean of its turn, after one round to warm up.

    ``clock`` may be that of the processor, for what runs on one core: on a busy machine nothing else is counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            calls, started = 0, clock()
            while calls == 0 or clock() - started < TURN_SECONDS:
                way()
                calls += 1
            if turn:
                seconds[name].append((clock() - started) / calls)
    return {name: median(values) for name, values in seconds.items()}


def show(
    title: str,
    ways: Ways,
    rounds: int,
    pictures: int = 1,
    unit: str = "picture",
    per: Mapping[str, int] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Print the medians for one picture, and how many times as long as the first way each takes.

    ``pictures`` is what one call does, ``per`` the same for ways that do another number of them.
    """
    table = Table("", f"ms a {unit}", "times the first", title=title, title_justify="left", min_width=68)
    table.columns[1].justify = table.columns[2].justify = "right"
    seconds = {name: value / (per or {}).get(name, pictures) for name, value in medians(ways, rounds, clock).items()}
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        table.add_row(name, f"{value * 1e3:.3f}", f"{value / first:.1f}")
    console.print(table)
