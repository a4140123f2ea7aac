"""What is kept between questions is bounded in bytes."""

from konkyo.models.kept import Kept


class Asking:
    """Asks for words of 6 bytes in all, and notes which were made."""

    def __init__(self) -> None:
        self.kept: Kept[bytes] = Kept(6, len)
        self.made: list[str] = []

    def __call__(self, *keys: str) -> None:
        for key in keys:
            assert self.kept.get(key, lambda: self._make(key)) == key.encode()  # noqa: B023 - called at once

    def _make(self, key: str) -> bytes:
        self.made.append(key)
        return key.encode()


def test_what_was_not_asked_for_the_longest_time_goes_first() -> None:
    ask = Asking()
    ask("aa", "bb", "cc", "aa", "dd")
    assert ask.made == ["aa", "bb", "cc", "dd"]
    ask("aa", "cc", "dd", "bb", "aa")
    assert ask.made == ["aa", "bb", "cc", "dd", "bb", "aa"]


def test_what_is_larger_than_all_is_made_each_time() -> None:
    ask = Asking()
    ask("small", "large one", "small", "large one")
    assert ask.made == ["small", "large one", "large one"]
    ask.kept.clear()
    ask("small")
    assert ask.made[-1] == "small"
