"""Turns to compute: one question of a worker computes at a time, and none for long while others wait.

Each question runs in a thread of its own, and calls ``steps.done`` again and again. There a question that has had its
slice of time waits for its next turn, and one that nobody waits for any more ends. Turns go round by address, and
within an address by question. The event loop decides; a thread only looks whether it has to stop.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from fastapi import Request

from konkyo.models import steps
from konkyo.service.errors import BusyError, GoneError
from konkyo.service.http.room import BUSY
from konkyo.service.http.telemetry import QUEUE_SECONDS

T = TypeVar("T")

# Seconds that a question computes while others wait.
SLICE = 0.02
# Seconds that a question waits for its first turn at most.
MOST_SECONDS = 5
# Questions that have begun at most, and the bytes that they hold together; and those of one address, of which a single
# one may hold more. A question that holds more than all by itself begins when no other has.
MOST_BEGUN, MOST_HELD = 32, 96 * 2**20
BEGUN_OF_ADDRESS, HELD_OF_ADDRESS = 4, 48 * 2**20
# Batches inside a worker at most, and those of one address: one computes while the other one's body comes.
MOST_BATCHES, BATCHES_OF_ADDRESS = 4, 2
# Bits of an address of version 6 that one client has for itself.
_NETWORK_BITS = 64


@dataclass(frozen=True)
class Asker:
    """Who asks.

    Attributes
    ----------
    address
        Whose turns and places a request takes.
    is_gone
        Whether nobody waits for the answer any more.
    """

    address: str
    is_gone: Callable[[], Awaitable[bool]]

    @classmethod
    def of(cls, request: Request) -> "Asker":
        """The sender of a request; behind a proxy that is a setting, the client that it names."""
        return cls(client(request.client.host) if request.client else "", request.is_disconnected)


@lru_cache(maxsize=4096)
def client(host: str) -> str:
    """The client of an address: itself, or its network of 64 bits in version 6, of which one client has all."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    mapped = address.ipv4_mapped
    return str(mapped or ip_network((address, _NETWORK_BITS), strict=False))


@dataclass(eq=False)
class _Question:
    """A question that waits for a turn, or computes.

    Attributes
    ----------
    asker, size
        Who asks, and the bytes that it holds from its beginning to its end.
    turn
        Done when the first turn comes, where it does not come at once.
    has_begun
        Whether it has had a turn.
    stops, is_left
        Whether its thread has to wait for the next turn, and whether it has to end.
    resumed
        What the thread waits for.
    """

    asker: Asker
    size: int
    turn: asyncio.Future[None] | None = None
    has_begun: bool = False
    stops: bool = False
    is_left: bool = False
    resumed: threading.Event = field(default_factory=threading.Event)

    def leave(self) -> None:
        """Let its thread end at the next step."""
        self.is_left = self.stops = True
        self.resumed.set()


class Turns:
    """Gives turns to questions.

    Parameters
    ----------
    waiting
        Questions that wait for their first turn at most. Where there are more, the last one of the address that has
        most of them loses its place.
    """

    def __init__(self, waiting: int) -> None:
        self._most = waiting
        # Those that wait for a turn, by address, the next one first; and the number of the last turn of each address.
        self._waiting: dict[str, deque[_Question]] = {}
        self._last_turns: dict[str, int] = {}
        self._turn = 0
        # The one that computes, and what looks after it.
        self._now: _Question | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        # By address: those that have begun, the bytes that they hold, and batches.
        self._begun: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._batches: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(MOST_BEGUN, "question")

    def check(self, asker: Asker, *, batch: bool = False) -> None:
        """Raise BusyError if there is no place. Called before a body is read, which could not be answered."""
        if batch:
            if self._batches[asker.address] >= BATCHES_OF_ADDRESS or self._batches.total() >= MOST_BATCHES:
                raise BusyError(BUSY)
        elif self._now is not None:
            self._displaced(asker)

    async def run(self, work: Callable[[], T], asker: Asker, size: int = 0) -> T:
        """The result of ``work``, or its error.

        Parameters
        ----------
        work
            Runs in a thread, and may be left in ``steps.done``.
        asker
            Who asks.
        size
            Bytes that it holds.

        Raises
        ------
        BusyError
            Too many wait, or the first turn did not come in time.
        GoneError
            Nobody waits for the result.
        """
        if self._now is not None and (last := self._displaced(asker)):
            self._remove(last)
            if last.turn is not None and not last.turn.done():
                last.turn.set_exception(BusyError(BUSY))
        question = _Question(asker, size)
        self._queue(question)
        try:
            with QUEUE_SECONDS.time():
                self._next()
                if not question.has_begun:
                    await self._first_turn(question)
            if await asker.is_gone():
                raise GoneError("nobody waits for the answer any more")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._computed, work, question, loop)
        except BaseException:
            question.leave()
            raise
        finally:
            self._end(question)

    @contextmanager
    def batch(self, asker: Asker) -> Iterator[None]:
        """A place for a batch, which runs its parts one after another.

        Raises
        ------
        BusyError
            There is none.
        """
        self.check(asker, batch=True)
        self._batches[asker.address] += 1
        try:
            yield
        finally:
            _count_down(self._batches, asker.address)

    def _computed(self, work: Callable[[], T], question: _Question, loop: asyncio.AbstractEventLoop) -> T:
        """In a thread: the result, with pauses."""

        def look(_: int) -> None:
            if question.stops:
                if not question.is_left:
                    loop.call_soon_threadsafe(self._pause, question)
                    question.resumed.wait()
                    question.resumed.clear()
                if question.is_left:
                    raise GoneError("nobody waits for the answer any more")

        with steps.watched(look):
            return work()

    async def _first_turn(self, question: _Question) -> None:
        question.turn = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await question.turn
        except TimeoutError as error:
            message = f"no worker was free within {MOST_SECONDS} seconds; try again in a second"
            raise BusyError(message) from error

    def _displaced(self, asker: Asker) -> _Question | None:
        """Whose place one more question takes; None if one is free. Raises BusyError if there is none for it."""
        waiting = {address: [one for one in queue if not one.has_begun] for address, queue in self._waiting.items()}
        if sum(map(len, waiting.values())) < self._most:
            return None
        most = max(waiting.values(), key=len, default=[])
        if len(most) <= len(waiting.get(asker.address, ())) + 1:
            raise BusyError(BUSY)
        return most[-1]

    def _queue(self, question: _Question) -> None:
        address = question.asker.address
        self._waiting.setdefault(address, deque()).append(question)
        # An address that comes anew goes before the one that has its turn now, and behind those that wait for longer.
        self._last_turns.setdefault(address, self._turn - 1)

    def _remove(self, question: _Question) -> None:
        address = question.asker.address
        if question in (queue := self._waiting.get(address, deque())):
            queue.remove(question)
            if not queue:
                del self._waiting[address]

    def _following(self) -> _Question | None:
        """Whose turn is next."""
        for address in sorted(self._waiting, key=self._last_turns.__getitem__):
            for question in self._waiting[address]:
                if question.has_begun or self._may_begin(question):
                    return question
        return None

    def _may_begin(self, question: _Question) -> bool:
        address, size = question.asker.address, question.size
        if not self._begun:
            return True
        if self._begun.total() >= MOST_BEGUN or self._held.total() + size > MOST_HELD:
            return False
        own = self._begun[address]
        return not own or (own < BEGUN_OF_ADDRESS and self._held[address] + size <= HELD_OF_ADDRESS)

    def _next(self) -> None:
        """Give the turn to who is next, if nobody has it."""
        if self._now is not None or (question := self._following()) is None:
            return
        address = question.asker.address
        self._remove(question)
        self._turn += 1
        self._last_turns[address] = self._turn
        self._now = question
        self._timer = asyncio.get_running_loop().call_later(SLICE, self._look_after, question)
        if question.has_begun:
            question.resumed.set()
            return
        question.has_begun = True
        self._begun[address] += 1
        self._held[address] += question.size
        if question.turn is not None and not question.turn.done():
            question.turn.set_result(None)

    def _look_after(self, question: _Question) -> None:
        """Called when a slice of time is over."""
        question.stops = question.is_left or self._following() is not None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SLICE, self._look_after, question)
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._leave_if_gone(question))

    async def _leave_if_gone(self, question: _Question) -> None:
        if await question.asker.is_gone():
            question.leave()

    def _pause(self, question: _Question) -> None:
        """Its thread waits: another one has the next turn."""
        if self._now is question and not question.is_left:
            question.stops = False
            self._queue(question)
            self._give_back()

    def _give_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._now = None
        self._next()

    def _end(self, question: _Question) -> None:
        self._remove(question)
        address = question.asker.address
        if question.has_begun:
            _count_down(self._held, address, question.size)
            _count_down(self._begun, address)
        if address not in self._waiting and address not in self._begun:
            del self._last_turns[address]
        if self._now is question:
            self._give_back()
        else:
            # What it held may be what another one waits for.
            self._next()


def _count_down(counter: Counter[str], address: str, count: int = 1) -> None:
    """Without the addresses that have none: there are as many as clients."""
    counter[address] -= count
    if not counter[address]:
        del counter[address]
