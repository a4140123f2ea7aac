"""Room in a worker's memory for the bytes of its requests. Who finds none is answered with 503."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from konkyo.service.errors import BusyError

# Bytes that the requests of a worker occupy: bodies as they came, results, and answers that are not sent. Those of one
# address have no more than a share, so that others find some.
MOST_BYTES, SHARE = 48 * 2**20, 32 * 2**20
# uvicorn's words when it cancels a request since the server stops.
_STOPPING = "graceful shutdown"
BUSY = "all workers are busy; try again in a second"


class Room:
    """Bytes that the requests of a worker may occupy together.

    Parameters
    ----------
    most, share
        How many, and those of one address.
    """

    def __init__(self, most: int = MOST_BYTES, share: int = SHARE) -> None:
        self._left, self._share = most, share
        self._taken: Counter[str] = Counter()
        # Threads take some as well.
        self._lock = Lock()

    def take(self, address: str, size: int) -> None:
        """Raise BusyError if so many bytes are not left for an address."""
        with self._lock:
            taken = self._taken[address] + size
            if size > self._left or taken > self._share:
                raise BusyError(BUSY)
            self._left -= size
            self._taken[address] = taken
            if not taken:
                del self._taken[address]


class Reservation:
    """The bytes of one request.

    Parameters
    ----------
    room
        What they are a part of.
    address
        Whose share they are a part of.
    """

    def __init__(self, room: Room, address: str) -> None:
        self._room, self._address = room, address
        self._size = 0

    def take(self, size: int) -> None:
        """Take so many bytes more, or raise BusyError. What is only announced takes none: nothing may come of it."""
        self._room.take(self._address, size)
        self._size += size

    def keep(self, size: int) -> None:
        """Keep so many of them, and give the others back."""
        self.take(size - self._size)

    def release(self) -> None:
        """Give all of them back."""
        self.keep(0)


@contextmanager
def stopping_is_busy() -> Iterator[None]:
    """A request that is cancelled since the server stops is answered with 503; any other cancellation goes on."""
    try:
        yield
    except asyncio.CancelledError as error:
        if _STOPPING not in str(error):
            raise
        raise BusyError("the service is being stopped; try again in a second") from error
