"""How much is computed at once, and how much may wait: what comes beyond is told to come back."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio import Semaphore, move_on_after, to_thread
from starlette.requests import ClientDisconnect

from service.errors import BusyError

T = TypeVar("T")

# Threads that compute in one worker. More would only take turns at the interpreter and keep the event loop waiting, and
# the most expensive questions, which take 100 MiB each, would need more than the container has.
SLOTS = 1
# In the queue: an answer that comes later than this comes too late.
MAX_SECONDS = 5


class Capacity:
    """Runs work in threads, away from the event loop.

    Parameters
    ----------
    waiting
        How many may wait for a thread. A queue without an end would answer everybody too late.
    """

    def __init__(self, waiting: int) -> None:
        self._slots = Semaphore(SLOTS)
        self._most = SLOTS + waiting
        self._inside = 0

    def check(self) -> None:
        """Raise BusyError if as many are waiting as may: so no body is read that could not be answered."""
        if self._inside >= self._most:
            raise BusyError("all workers are busy; try again in a second")

    async def run(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """The result of ``work``, or its error.

        Parameters
        ----------
        work
            Runs in a thread.
        is_gone
            Whether nobody waits for the result any more; asked when its turn has come.

        Raises
        ------
        BusyError
            As many are waiting as may.
        ClientDisconnect
            Nobody waits for the result.
        """
        # Counted here, without a pause before the count: the semaphore learns of a task only some steps later.
        self.check()
        self._inside += 1
        try:
            with move_on_after(MAX_SECONDS) as waiting:
                await self._slots.acquire()
            if waiting.cancelled_caught:
                raise BusyError(f"no worker was free within {MAX_SECONDS} seconds; try again in a second")
            try:
                if await is_gone():
                    raise ClientDisconnect
                return await to_thread.run_sync(work)
            finally:
                self._slots.release()
        finally:
            self._inside -= 1
