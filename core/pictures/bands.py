"""Bands of rows, in which whole frames are processed, because a band of a 4K frame fits in the processor's cache.

Bands are independent of each other. Threads of a render that have no frame of their own, as while a single frame is rendered,
work on bands of the frames in progress.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

ROWS = 64

_idle = threading.Semaphore(0)  # how many more threads may work now
_pool = ThreadPoolExecutor(thread_name_prefix="band")


def bands(height: int, size: int = ROWS) -> Iterator[slice]:
    """The rows of a frame in fixed bands of `size`. They are the same for any number of threads, so results are the same, too."""
    for start in range(0, height, size):
        yield slice(start, min(height, start + size))


def each_band(height: int, work: Callable[[slice], None], size: int = ROWS) -> None:
    """Call `work` once with each band of a frame, from several threads at once where some are idle (`working`).

    `work` writes rows of its band alone. The first error in the order of the bands is raised when no thread works any more.
    """
    waiting, failed = iter([*bands(height, size)]), dict[int, BaseException]()
    taking = threading.Lock()

    def drain() -> None:
        while not failed:
            with taking:
                rows = next(waiting, None)
            if rows is None:
                return
            try:
                work(rows)
            except BaseException as error:
                failed[rows.start] = error

    helping: list[Future[None]] = []
    while len(helping) + 1 < height / size and _idle.acquire(blocking=False):
        helping.append(_pool.submit(contextvars.copy_context().run, drain))
        helping[-1].add_done_callback(lambda _: _idle.release())
    drain()
    for helper in helping:
        helper.result()
    if failed:
        raise failed[min(failed)]


@contextmanager
def working(threads: int) -> Iterator[None]:
    """Let `threads` more threads of this process work during the block: on frames (`at_work`), else on bands of frames."""
    for _ in range(threads):
        _idle.release()
    try:
        yield
    finally:
        for _ in range(threads):
            _idle.acquire()


@contextmanager
def at_work() -> Iterator[None]:
    """Count the calling thread as one of `working` during the block; waits while all of them help with bands."""
    with _idle:
        yield
