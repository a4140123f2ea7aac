"""Limits on the requests that are computed at once and on those that wait. Further requests are answered with 503."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio import Semaphore, move_on_after, to_thread
from starlette.requests import ClientDisconnect

from konkyo.service.errors import BusyError
from konkyo.service.http.telemetry import QUEUE_SECONDS

T = TypeVar("T")

# Number of computing threads of a worker. More threads would compete for the interpreter with the event loop. The most
# expensive requests take 100 MiB each, and the container's memory is limited.
SLOTS = 1
# Maximum time in the queue.
MAX_SECONDS = 5
# Bytes of bodies that one worker keeps at once: four of the largest.
BODIES = 32 * 1024 * 1024
_BUSY = "all workers are busy; try again in a second"


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
        self._bodies = 0

    @contextmanager
    def body(self) -> Iterator[Callable[[int], None]]:
        """Room for a body, until it is answered. Gives a function to call with the size of each piece that arrives.

        What is only announced takes no room: a client could announce much and send nothing.
        """
        taken = 0

        def take(size: int) -> None:
            """Raise BusyError if all bodies together would take more than there is."""
            nonlocal taken
            if self._bodies + size > BODIES:
                raise BusyError(_BUSY)
            self._bodies += size
            taken += size

        try:
            yield take
        finally:
            self._bodies -= taken

    def check(self) -> None:
        """Raise BusyError if the queue is full. Called before a body is read, which could not be answered."""
        if self._inside >= self._most:
            raise BusyError(_BUSY)

    async def run(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """The result of ``work``, or its error; as ``run_all`` of this one piece."""
        [result] = await self.run_all([work], is_gone)
        return result

    async def run_all(self, pieces: Iterable[Callable[[], T]], is_gone: Callable[[], Awaitable[bool]]) -> list[T]:
        """The results of all pieces of work, one after another, or the first error.

        Between two pieces others have their turn, so that a large question keeps nobody waiting for all of it.

        Parameters
        ----------
        pieces
            Each runs in a thread.
        is_gone
            Whether nobody waits for the results any more; asked whenever its turn has come.

        Raises
        ------
        BusyError
            As many are waiting as may, or a turn did not come in time.
        ClientDisconnect
            Nobody waits for the results.
        """
        # Counted without an await in between: the semaphore itself counts a task only some steps later.
        self.check()
        self._inside += 1
        results: list[T] = []
        try:
            for work in pieces:
                await self._turn()
                try:
                    if await is_gone():
                        raise ClientDisconnect
                    results.append(await to_thread.run_sync(work))
                finally:
                    self._slots.release()
            return results
        finally:
            self._inside -= 1

    async def _turn(self) -> None:
        """Take a thread, when there is one."""
        with QUEUE_SECONDS.time(), move_on_after(MAX_SECONDS) as waiting:
            await self._slots.acquire()
        if waiting.cancelled_caught:
            raise BusyError(f"no worker was free within {MAX_SECONDS} seconds; try again in a second")


@contextmanager
def stopping_is_busy() -> Iterator[None]:
    """Nothing but the end of the process cancels a request: a client that leaves is noticed in another way."""
    try:
        yield
    except CancelledError as error:
        raise BusyError("the service is being stopped; try again in a second") from error
