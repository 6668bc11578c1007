"""How the process is set up before any work, and how it ends: threads inside libraries, signals, pipes that closed."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

log = logging.getLogger("relamp")

_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# OpenMP's threads spin while they wait for each other. On a machine that is busy with something else, a render beside the
# panel say, what a thread waits for may not even be running: the network takes ten times as long. Asleep they cost nothing.
_OPENMP = {"OMP_WAIT_POLICY": "PASSIVE"}


def pin_opencv() -> None:
    """One thread inside each call of OpenCV, for the same reason; called where work begins, since it loads OpenCV."""
    import cv2

    cv2.setNumThreads(1)


def set_up() -> None:
    """Pin the threads inside BLAS and OpenMP to one and let OpenMP's threads sleep while they wait.

    Programs call it first, before anything imports numpy: the libraries read these variables as they load. Other thread counts
    can give other last bits, and frames are the parallel unit (`--threads`), so each library gets one thread. Libraries that
    were loaded before the call, as when a test or another program imports Relamp, are pinned through threadpoolctl.
    """
    os.environ.update(dict.fromkeys(_BLAS, "1"))
    for name, value in _OPENMP.items():
        os.environ.setdefault(name, value)
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)


# s from a signal to the end of the process. Whoever presses Ctrl-C waits for it; a farm gives a task half a minute, in which
# the frames in work are better finished.
GRACE = {signal.SIGINT: 1.5, signal.SIGTERM: 25.0}

_last_words: list[Callable[[], str | None]] = []


class Stop(threading.Event):
    """Set to have work end; `signal_number` is the signal it stands for, so the exit code is 128 more."""

    def __init__(self, signal_number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.signal_number = signal_number

    def ask(self, number: int) -> None:
        """Set it for the signal `number`."""
        self.signal_number = number
        self.set()


class Heard:
    """What signals arrived: `number` is the last one, 0 before any."""

    number = 0


@contextmanager
def heeding_signals() -> Iterator[Heard]:
    """While in it, SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread, and the process ends in any case.

    Python tells a program of a signal between two of its own steps, so an import or a call of a library can hold it up for
    long. A thread of ours is therefore told by the system itself: `GRACE` after the first signal, or at the second, it has
    the `last_words` said and ends the process with 128 and the signal's number. In any thread but the main one nothing is
    changed: a host that runs us there has its own way to stop.
    """
    heard = Heard()
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def caught(number: int, _: object) -> None:
        heard.number = number
        raise KeyboardInterrupt

    inner, outer = socket.socketpair()
    outer.setblocking(False)
    watch = threading.Thread(target=_watch, args=(inner,), name="signals", daemon=True)
    watch.start()
    earlier_pipe = signal.set_wakeup_fd(outer.fileno(), warn_on_full_buffer=False)
    earlier = {number: signal.signal(number, caught) for number in GRACE}
    try:
        yield heard
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier_pipe)
        outer.close()
        watch.join()
        inner.close()


@contextmanager
def asking_on_signals(ask: Callable[[int], None]) -> Iterator[None]:
    """While in it, SIGINT and SIGTERM call `ask` with their number, so that the main thread ends its work in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.signal(number, lambda caught, _: ask(caught)) for number in GRACE}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextmanager
def last_words(say: Callable[[], str | None]) -> Iterator[None]:
    """While in it, `say` is called when a signal ends the process before its work has ended in good order.

    It leaves things as they may be left, and gives the sentence to end with, or None.
    """
    _last_words.append(say)
    try:
        yield
    finally:
        _last_words.remove(say)


def _watch(signals: socket.socket) -> None:
    """End the process after a signal, unless the other end of `signals` is closed before its grace is over."""
    first, until = 0, None
    while True:
        left = None if until is None else max(until - time.monotonic(), 0)
        told = signals.recv(1) if select.select([signals], [], [], left)[0] else None
        if told == b"":
            return
        if told is None or (first and told[0] in GRACE):
            _end(first)
        elif told[0] in GRACE:
            first, until = told[0], time.monotonic() + GRACE[signal.Signals(told[0])]


def _end(number: int) -> None:
    sentence = "stopped; what was not finished is dropped"
    for say in list(_last_words):
        with suppress(Exception):  # nothing may keep the process from ending
            sentence = say() or sentence
    with suppress(OSError):
        os.write(2, f"relamp: {sentence}\n".encode(errors="backslashreplace"))
    os._exit(128 + number)


def deafen(stream: TextIO | Any) -> None:
    """Let what is still written to a stream whose reader is gone go nowhere, and Python end without a word about it."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def resident_memory() -> int:
    """Bytes of memory this process holds, 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def devices_in_use() -> list[dict[str, Any]]:
    """The devices networks run on, once a network was loaded: asking before would load torch for nothing."""
    torch = sys.modules.get("torch")
    found: list[dict[str, Any]] = [{"name": "cpu", "cores": os.cpu_count()}]
    if torch is not None and torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            found.append({"name": f"cuda:{index}", "free": free, "total": total})
    return found
