"""Values worked out once, whichever thread asks first, and only so many of them kept. Standard library only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Keeper(Generic[K, V]):
    """A function of a key, remembered for the last keys asked for.

    Two threads that ask for one key share the work. What fails is not remembered. The function may ask other keepers, never
    its own: then nobody waits for himself.
    """

    def __init__(self, work: Callable[[K], V], most: int) -> None:
        self._work, self._most = work, most
        self._kept: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V:
        """The value of a key; raises what the function raises."""
        future, mine = self._claim(key)
        if mine:
            self._fulfil(key, future)
        return future.result()

    def get_all(self, keys: Iterable[K]) -> list[V]:
        """The values of some keys. What nobody works on is done first, so threads that want the same share it out."""
        wanted = list(keys)
        futures = []
        for key in wanted:
            future, mine = self._claim(key)
            if mine:
                self._fulfil(key, future)
            futures.append(future)
        return [future.result() for future in futures]

    def _claim(self, key: K) -> tuple[Future[V], bool]:
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known, False
            future: Future[V] = Future()
            self._kept[key] = future
            done = [k for k, f in self._kept.items() if f.done()]
            for old in done[: max(0, len(self._kept) - self._most)]:
                del self._kept[old]
            return future, True

    def _fulfil(self, key: K, future: Future[V]) -> None:
        try:
            future.set_result(self._work(key))
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
