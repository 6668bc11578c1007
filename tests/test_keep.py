"""Values worked out once and kept for a while."""

import threading

import pytest

from relamp.core.shot.keep import Keeper


def test_a_value_is_worked_out_once_and_the_oldest_is_let_go():
    asked, keeper = [], Keeper(2)

    def double(key):
        asked.append(key)
        return key * 2

    assert [keeper.get(k, double) for k in (1, 2, 1, 3, 1, 2)] == [2, 4, 2, 6, 2, 4]
    assert asked == [1, 2, 3, 2]
    assert len(keeper) == 2


def test_threads_that_want_the_same_share_the_work():
    gate, asked = threading.Barrier(2, timeout=20), []

    def work(key):
        asked.append(key)
        if key in ("a", "b"):
            gate.wait()  # passes only when two threads work on different keys at the same time
        return key.upper()

    keeper = Keeper(8)
    found = []
    threads = [threading.Thread(target=lambda: found.append(keeper.get_all("abc", work))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [["A", "B", "C"]] * 2
    assert sorted(asked) == ["a", "b", "c"]


def test_what_fails_is_told_to_all_who_ask_and_tried_again():
    answers = iter([ZeroDivisionError("oops"), 7])

    def work(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keeper = Keeper(2)
    with pytest.raises(ZeroDivisionError, match="oops"):
        keeper.get("k", work)
    assert keeper.get("k", work) == 7
