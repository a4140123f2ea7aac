"""What a worker has to give: room in memory, and turns to compute. Who finds none is answered with 503."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio import to_thread

from konkyo.service.errors import BusyError, GoneError
from konkyo.service.http.telemetry import QUEUE_SECONDS

T = TypeVar("T")

# Bytes that the requests of a worker occupy: bodies as they came, results, and answers that are not sent.
MOST_BYTES = 32 * 2**20
# Threads that compute. More of them would compete for the interpreter with the event loop, and for memory.
THREADS = 1
# Seconds in the queue at most.
MOST_SECONDS = 5
# Batches inside a worker at most: one is computed, one waits.
MOST_BATCHES = 2
# A single question goes before the next piece of a batch. A piece that has waited for so many seconds goes before the
# second one.
PATIENCE = 1
# uvicorn's words when it cancels a request since the server stops.
_STOPPING = "graceful shutdown"
_BUSY = "all workers are busy; try again in a second"


class Room:
    """Bytes that the requests of a worker may occupy together.

    Parameters
    ----------
    most
        How many.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Raise BusyError if so many bytes are not left."""
        if size > self._left:
            raise BusyError(_BUSY)
        self._left -= size


class Reservation:
    """The bytes of one request."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def take(self, size: int) -> None:
        """Take so many bytes more, or raise BusyError. What is only announced takes none: nothing may come of it."""
        self._room.take(size)
        self._size += size

    def keep(self, size: int) -> None:
        """Keep so many of them, and give the others back."""
        self.take(size - self._size)

    def release(self) -> None:
        """Give all of them back."""
        self.keep(0)


class Turns:
    """Runs work in a thread, away from the event loop, one piece after another.

    Parameters
    ----------
    waiting
        Single questions that wait at most.
    """

    def __init__(self, waiting: int) -> None:
        self._free = THREADS
        self._waiting = waiting
        # Since when each waits.
        self._singles: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._pieces: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._batches = 0
        # Whether the last turn was that of a piece.
        self._was_piece = False

    def check(self, *, batch: bool = False) -> None:
        """Raise BusyError if there is no place. Called before a body is read, which could not be answered."""
        if self._batches >= MOST_BATCHES if batch else len(self._singles) >= self._waiting and not self._free:
            raise BusyError(_BUSY)

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
            Too many are waiting, or the turn did not come in time.
        GoneError
            Nobody waits for the result.
        """
        self.check()
        return await self._run(work, is_gone, batch=False)

    async def run_all(self, pieces: Iterable[Callable[[], object]], is_gone: Callable[[], Awaitable[bool]]) -> None:
        """Do all pieces of a batch, one after another. Between two pieces single questions have their turn.

        Errors are those of ``run``.
        """
        self.check(batch=True)
        self._batches += 1
        try:
            for work in pieces:
                await self._run(work, is_gone, batch=True)
        finally:
            self._batches -= 1

    async def _run(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]], *, batch: bool) -> T:
        await self._turn(batch)
        try:
            if await is_gone():
                raise GoneError("nobody waits for the answer any more")
            return await to_thread.run_sync(work)
        finally:
            self._next()

    async def _turn(self, batch: bool) -> None:
        """Wait for a thread."""
        with QUEUE_SECONDS.time():
            await self._wait(batch)

    async def _wait(self, batch: bool) -> None:
        if self._free:
            self._free -= 1
            self._was_piece = batch
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue, place = (self._pieces if batch else self._singles), (time.monotonic(), turn)
        queue.append(place)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await turn
        except BaseException as error:
            # The turn may have come at the same moment: it is passed on. Else the place in the queue is left.
            if turn.done() and not turn.cancelled():
                self._next()
            elif place in queue:
                queue.remove(place)
            if isinstance(error, TimeoutError):
                message = f"no worker was free within {MOST_SECONDS} seconds; try again in a second"
                raise BusyError(message) from error
            raise

    def _next(self) -> None:
        """Give a thread to who is next."""
        while self._singles or self._pieces:
            has_waited = self._pieces and time.monotonic() - self._pieces[0][0] > PATIENCE
            is_piece = not self._singles or bool(has_waited and not self._was_piece)
            _, turn = self._pieces.popleft() if is_piece else self._singles.popleft()
            # Who gives up waiting at this moment is still in the queue.
            if not turn.done():
                self._was_piece = is_piece
                turn.set_result(None)
                return
        self._free += 1


@contextmanager
def stopping_is_busy() -> Iterator[None]:
    """A request that is cancelled since the server stops is answered with 503; any other cancellation goes on."""
    try:
        yield
    except asyncio.CancelledError as error:
        if _STOPPING not in str(error):
            raise
        raise BusyError("the service is being stopped; try again in a second") from error
