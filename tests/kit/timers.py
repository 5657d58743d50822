"""Where the time of a thread goes: functions are wrapped for a while, and each counts what it does itself."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class Timers:
    """Seconds of the thread that made it by name, each without what is counted under another; threads beside it are not
    counted.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inner_s: list[float] = []
        self._thread = threading.get_ident()

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, counted."""

        @functools.wraps(function)
        def counted(*args: Any, **more: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **more)
            began_s = time.perf_counter()
            self._inner_s.append(0.0)
            try:
                return function(*args, **more)
            finally:
                took_s = time.perf_counter() - began_s
                self.seconds[name] += took_s - self._inner_s.pop()
                if self._inner_s:
                    self._inner_s[-1] += took_s

        return counted

    def of_items(self, name: str, generate: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The generator, of which waiting for items is counted."""

        def counted(*args: Any) -> Iterator[Any]:
            items = generate(*args)
            following = self.of(name, lambda: next(items, items))
            while (item := following()) is not items:
                yield item

        return counted


@contextmanager
def replaced(places: Iterable[tuple[Any, str, Callable[..., Any]]]) -> Iterator[None]:
    """Attributes of owners, each by what is made of it, until the block ends."""
    before: Sequence[tuple[Any, str, Any]] = []
    try:
        for owner, name, make in places:
            was = getattr(owner, name)
            before = [*before, (owner, name, was)]
            setattr(owner, name, make(was))
        yield
    finally:
        for owner, name, was in before:
            setattr(owner, name, was)
