"""A bounded cache whose values are each computed once, by the first thread that requests it, while other threads wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedCache(Generic[K, V]):
    """The values of one function of a key, for the keys used last.

    Threads that request one key share one computation. An error is raised in all of them and is not kept. The function must
    always be the same. It may use other caches but not this one, because a thread would then wait for its own result.

    `cachetools.cached` with a condition computes each value once too, but its callers request one key at a time; `get_all`
    lets threads that need the same keys compute different ones at the same time.
    """

    def __init__(self, maxsize: int) -> None:
        self._done: LRUCache[K, Future[V]] = LRUCache(maxsize)
        self._running: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._done)

    def get(self, key: K, compute: Callable[[K], V]) -> V:
        """The value of a key. Raises what `compute` raises."""
        return self._start(key, compute).result()

    def get_all(self, keys: Iterable[K], compute: Callable[[K], V]) -> list[V]:
        """The values of some keys. Keys that no thread computes yet are computed first; then the call waits for the others."""
        futures = [self._start(key, compute) for key in keys]
        return [future.result() for future in futures]

    def _start(self, key: K, compute: Callable[[K], V]) -> Future[V]:
        """The future of a key; it is done on return unless another thread computes it."""
        with self._lock:
            known = self._running.get(key) or self._done.get(key)
            if known is not None:
                return known
            future = self._running[key] = Future[V]()
        try:
            future.set_result(compute(key))
        except BaseException as error:
            future.set_exception(error)
        with self._lock:
            del self._running[key]
            if future.exception() is None:
                self._done[key] = future
        return future
