"""The Python call: the example of docs/tds.md, and what holds for several views."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from relamp.core.errors import FramesFailedError, InputError, StoppedError, UsageError
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.process import Stop
from relamp.core.shot import relight
from shots import Shot, layer

PAGE = (Path(__file__).parent.parent / "docs" / "tds.md").read_text(encoding="utf-8")


@pytest.fixture
def two_views(tmp_path) -> dict[str, Shot]:
    return {view: Shot(tmp_path / view, frames=2) for view in ("left", "right")}


def job_of(two_views: dict[str, Shot], **more: object) -> RelightJob:
    left = two_views["left"]
    folder = str(left.folder.parent / "%V")
    given = {"plate": f"{folder}/plate.####.exr", "out": f"{folder}/out/relit.####.exr", "env": left.env_b}
    return RelightJob(RelightParameters(**{**given, "backbone": "ratio", "views": ("left", "right"), **more}))


def test_the_example_on_the_page_for_tds_relights_a_shot(shot):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    Path(shot.env_b).rename(shot.folder / "sunset.exr")
    done = subprocess.run([sys.executable, "-c", example], cwd=shot.folder, capture_output=True, text=True, check=True)
    assert done.stdout == "relit.####.exr 4 frames\n"
    relit, plate = (layer(shot.folder / f"{name}.1001.exr", "R", "G", "B") for name in ("relit", "plate"))
    assert abs(relit - plate).max() > 0.05


def test_views_are_counted_as_one_piece_of_work(two_views):
    events = []
    reports = relight(job_of(two_views), events.append)
    assert [(event.index, event.total) for event in events] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [report.out for report in reports] == [shot.out for shot in two_views.values()]
    assert all(report.written == [1001, 1002] for report in reports)


def test_what_is_wrong_with_a_view_is_known_before_any_is_rendered(two_views):
    for frame in (1001, 1002):
        two_views["right"].plate_frame(frame).unlink()
    with pytest.raises(InputError, match="right"):
        relight(job_of(two_views))
    assert not two_views["left"].out_frame(1001).exists()


@pytest.mark.parametrize(("keep_going", "right_is_there"), [(True, True), (False, False)])
def test_the_view_after_one_that_failed_is_rendered_when_asked_to_keep_going(two_views, keep_going, right_is_there):
    two_views["left"].plate_frame(1002).write_bytes(b"damaged")
    with pytest.raises((FramesFailedError, InputError), match="1002"):
        relight(job_of(two_views, keep_going=keep_going))
    assert two_views["right"].out_frame(1001).exists() == right_is_there


def test_a_stop_ends_all_views(two_views):
    stop = Stop()
    stop.set()
    with pytest.raises(StoppedError):
        relight(job_of(two_views, keep_going=True), stop=stop)
    assert not two_views["right"].out_frame(1001).exists()


def test_a_job_without_a_light_is_refused_before_anything_is_read():
    with pytest.raises(UsageError, match="--env is not given"):
        relight(RelightJob(RelightParameters(plate="plate.####.exr", out="relit.####.exr")))
