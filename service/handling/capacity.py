"""Limits on the requests that are computed at once and on those that wait. Further requests are answered with 503."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio import Semaphore, move_on_after, to_thread
from starlette.requests import ClientDisconnect

from service.errors import BusyError

T = TypeVar("T")

# Number of computing threads of a worker. More threads would compete for the interpreter with the event loop. The most
# expensive requests take 100 MiB each, and the container's memory is limited.
SLOTS = 1
# Maximum time in the queue.
MAX_SECONDS = 5


class Capacity:
    """Runs work in threads, away from the event loop.

    Parameters
    ----------
    waiting
        Maximum number of requests that wait for a thread.
    """

    def __init__(self, waiting: int) -> None:
        self._slots = Semaphore(SLOTS)
        self._most = SLOTS + waiting
        self._inside = 0

    def check(self) -> None:
        """Raise BusyError if the queue is full. Called before a body is read, which could not be answered."""
        if self._inside >= self._most:
            raise BusyError("all workers are busy; try again in a second")

    async def run(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """Run ``work`` in a thread; return its result or raise its error.

        Parameters
        ----------
        work
            The computation.
        is_gone
            Whether the client has disconnected. Asked when a thread is free.

        Raises
        ------
        BusyError
            The queue is full, or no thread was free in time.
        ClientDisconnect
            The client has disconnected.
        """
        # Counted without an await in between: the semaphore itself counts a task only some steps later.
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
