"""Values computed once and kept for a while."""

import threading

import pytest

from relamp.core.shot.shared_cache import SharedCache


def test_a_value_is_computed_once_and_the_one_used_longest_ago_is_dropped():
    asked, cache = [], SharedCache(2)

    def double(key):
        asked.append(key)
        return key * 2

    assert [cache.get(k, double) for k in (1, 2, 1, 3, 1, 2)] == [2, 4, 2, 6, 2, 4]
    assert asked == [1, 2, 3, 2]
    assert len(cache) == 2


def test_threads_that_need_the_same_values_share_the_work():
    gate, asked = threading.Barrier(2, timeout=20), []

    def work(key):
        asked.append(key)
        if key in ("a", "b"):
            gate.wait()  # passes only when two threads work on different keys at the same time
        return key.upper()

    cache = SharedCache(8)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.get_all("abc", work))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [["A", "B", "C"]] * 2
    assert sorted(asked) == ["a", "b", "c"]


def test_an_error_is_raised_and_its_key_is_tried_again():
    answers = iter([ZeroDivisionError("oops"), 7])

    def work(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cache = SharedCache(2)
    with pytest.raises(ZeroDivisionError, match="oops"):
        cache.get("k", work)
    assert cache.get("k", work) == 7


def test_a_value_in_computation_is_not_dropped_whatever_else_is_asked_for():
    begun, go, asked, found = threading.Event(), threading.Event(), [], []

    def compute(key):
        asked.append(key)
        if key == "slow":
            begun.set()
            assert go.wait(20)
        return key.upper()

    cache = SharedCache(1)
    threads = [threading.Thread(target=lambda: found.append(cache.get("slow", compute))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(20)
    assert cache.get_all(("a", "b"), compute) == ["A", "B"]
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(30)
    assert found == ["SLOW"] * 2
    assert asked == ["slow", "a", "b"]
