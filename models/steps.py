"""How far a computation is: what computes says so again and again, and who waits for it may leave it, or let others go.

A forward pass, tables and searches call ``done`` in every loop. Nobody listens unless ``watched`` says who does, so the
library has no limit and pays nothing. The service listens: it leaves work that nobody waits for any more, and gives the
processor to others in between.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watch: ContextVar[Callable[[int], None] | None] = ContextVar("watch", default=None)


def done(multiply_adds: int) -> None:
    """Say that so much work was done. Called inside every loop, after at most some 10 ms of work.

    Parameters
    ----------
    multiply_adds
        Products, and numbers that were gathered and added, since the last call. They are counted and not timed, so
        that a limit of them has one answer on every machine.

    Raises
    ------
    Exception
        What the watcher raises, so that the computation is left. Nothing is raised where nobody watches.
    """
    watch = _watch.get()
    if watch is not None:
        watch(multiply_adds)


@contextmanager
def watched(watch: Callable[[int], None]) -> Iterator[None]:
    """Within the block of this context (a thread, or an asynchronous task) each ``done`` calls the watcher.

    Parameters
    ----------
    watch
        Gets the multiply-adds since the last call. It may block until the computation may go on, and raise what ends
        it.
    """
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
