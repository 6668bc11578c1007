import threading

from relamp.core.rpc.lane import Lane, Request
from wait import wait_until


def request(name: str) -> Request:
    return Request(name, name, lambda: None)  # pyright: ignore[reportArgumentType]


def test_idle_work_goes_on_until_none_is_left_and_begins_anew_after_a_request():
    done: list[str] = []
    left = 3

    def idle() -> bool:
        nonlocal left
        left -= 1
        done.append("step")
        return left > 0

    def answer(asked: Request) -> None:
        nonlocal left
        left = 3
        done.append(asked.method)

    lane = Lane("test", answer, idle)
    lane.add(request("first"))
    wait_until(lambda: len(done) == 4)
    lane.add(request("second"))
    wait_until(lambda: len(done) == 8)
    lane.close()
    assert done == ["first", "step", "step", "step", "second", "step", "step", "step"]


def test_a_request_is_answered_before_the_next_step_of_idle_work():
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def idle() -> bool:
        done.append("step")
        begun.set()
        go_on.wait(10)
        return len(done) < 4

    lane = Lane("test", lambda asked: done.append(asked.method), idle)
    lane.add(request("first"))
    assert begun.wait(10)
    lane.add(request("second"))
    go_on.set()
    wait_until(lambda: len(done) >= 4)
    lane.close()
    assert done[:3] == ["first", "step", "second"]


def test_nothing_is_done_in_advance_before_the_first_request():
    done: list[str] = []
    lane = Lane("test", lambda asked: done.append(asked.method), lambda: bool(done.append("step")))
    lane.close()
    assert done == []
