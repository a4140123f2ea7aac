"""What is left of a worker's room."""

from contextlib import ExitStack

from konkyo.service.errors import BusyError
from konkyo.service.http.room import SHARE, Reservation, Room


def fits(room: Room, size: int) -> bool:
    """Whether other requests could have so many bytes: as many addresses as have to share them."""
    with ExitStack() as given_back:
        for number, start in enumerate(range(0, size, SHARE)):
            one = Reservation(room, f"198.51.100.{number}")
            given_back.callback(one.release)
            try:
                one.take(min(SHARE, size - start))
            except BusyError:
                return False
        return True
