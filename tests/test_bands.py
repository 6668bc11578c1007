import threading
import time

import numpy as np
import pytest

from relamp.core.pictures.bands import at_work, bands, each_band, working


def test_each_row_is_worked_on_once_whatever_the_threads():
    for threads in (0, 1, 4):
        done = np.zeros(1000, int)

        def work(rows, done=done):
            done[rows] += 1

        with working(threads):
            each_band(1000, work)
        assert (done == 1).all()


def test_idle_threads_help_and_threads_with_a_frame_do_not():
    def names(frames):
        seen = set()

        def work(rows):
            seen.add(threading.current_thread().name)
            time.sleep(0.01)  # so that a helper has time to take a band

        with working(2):
            held = [at_work() for _ in range(frames)]
            for frame in held:
                frame.__enter__()
            each_band(640, work)
            for frame in held:
                frame.__exit__(None, None, None)
        return seen

    assert len(names(frames=1)) == 2
    assert names(frames=2) == {threading.current_thread().name}


def test_the_first_error_of_a_band_is_raised_and_the_helpers_are_free_again():
    def work(rows):
        time.sleep(0.001)
        raise ValueError(f"rows {rows.start}")

    with working(3):
        with pytest.raises(ValueError, match="rows 0"):
            each_band(640, work)
        each_band(640, lambda rows: None)


def test_bands_cover_a_frame_in_order():
    assert [rows.start for rows in bands(150)] == [0, 64, 128]
    assert [*bands(150)][-1].stop == 150
