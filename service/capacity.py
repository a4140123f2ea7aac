"""How much is computed at once, and how much may wait: what comes beyond is told to come back."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from service.errors import BusyError

T = TypeVar("T")

# Threads that compute in one worker. More would only take turns at the interpreter, and keep the event loop waiting.
SLOTS = 2


class Capacity:
    """Runs work in threads, away from the event loop.

    Parameters
    ----------
    waiting
        How many may wait for a thread. A queue without an end would answer everybody too late.
    """

    def __init__(self, waiting: int) -> None:
        self._limiter = CapacityLimiter(SLOTS)
        self._most = SLOTS + waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The result of ``work``, or its error.

        Raises
        ------
        BusyError
            As many are waiting as may.
        """
        # Counted here, without a pause before the count: the limiter learns of a task only some steps later.
        if self._inside >= self._most:
            raise BusyError("all workers are busy; try again in a second")
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
