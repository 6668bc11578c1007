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
    """The values of a function of a key, for the last keys asked for.

    Two threads that ask for one key share the work. What fails is not remembered. The function, always the same, may ask
    other keepers, never its own: then nobody waits for himself.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K, work: Callable[[K], V]) -> V:
        """The value of a key; raises what `work` raises."""
        future, mine = self._claim(key)
        if mine:
            self._fulfil(key, future, work)
        return future.result()

    def get_all(self, keys: Iterable[K], work: Callable[[K], V]) -> list[V]:
        """The values of some keys. What nobody works on is done first, so threads that want the same share it out."""
        wanted = list(keys)
        futures = []
        for key in wanted:
            future, mine = self._claim(key)
            if mine:
                self._fulfil(key, future, work)
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

    def _fulfil(self, key: K, future: Future[V], work: Callable[[K], V]) -> None:
        try:
            future.set_result(work(key))
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
