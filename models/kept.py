"""What is kept between questions, since it does not depend on the image: plans, tables, and parts of pictures."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """Values by key, bounded in bytes: what was not asked for the longest time goes first.

    Parameters
    ----------
    most
        Bytes of all values at most. A value that is larger by itself is not kept.
    size
        The bytes of a value.
    """

    def __init__(self, most: int, size: Callable[[V], int]) -> None:
        self._most, self._size = most, size
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._held = 0
        # Several threads answer.
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of a key, made if it is not there."""
        with self._lock:
            if (value := self._values.get(key)) is not None:
                self._values.move_to_end(key)
                return value
        value = make()
        size = self._size(value)
        with self._lock:
            if size <= self._most and key not in self._values:
                self._values[key] = value
                self._held += size
                while self._held > self._most:
                    self._held -= self._size(self._values.popitem(last=False)[1])
        return value

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
            self._held = 0
