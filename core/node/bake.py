"""One bake: a job that the worker renders, watched and stopped from outside.

Start it in the host's main thread, then poll it from a thread or a timer: nothing here calls back into a host.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .. import job as jobs
from ..errors import RelampError, StoppedError
from ..frames import format_frames, parse_frames
from ..job import RelightJob
from ..parameters import Curve
from ..rpc import Call, Client, Reply
from .request import curve
from .versions import Place


@dataclass(frozen=True)
class Baked:
    """Frames to attach: everything a node needs to show them and to work on them live.

    `frames` are all frames in the place, ascending. `scale` is F, one number or a `Curve`; `epsilon` is in the plate's
    units. `alpha` says whether the frames, like their plate, have one, and `covered` whether it says where the picture is: that
    of a camera may be black all over. `lamps` is how many lamp layers there are, `ratio` says whether there is a ratio layer.
    `rig` are the names of a rig's lights, whose layers come first among the lamps.
    """

    place: Place
    frames: tuple[int, ...]
    scale: float | Curve
    epsilon: float
    alpha: bool
    covered: bool
    lamps: int
    ratio: bool
    job: RelightJob
    rig: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a bake ended: `baked` when all its frames are there, else why not, as one sentence for the node's status.

    `passes` is the pattern of the passes that were made, where the bake was one of passes. `stopped` says that the artist stopped
    it; finished frames are kept either way, and `exit_code` is that of `core.errors`.
    """

    sentence: str
    baked: Baked | None = None
    passes: str = ""
    stopped: bool = False
    exit_code: int = 0


class Bake:
    """A render in the worker. `fraction`, `words`, `finished` and `outcome` may be read from any thread."""

    def __init__(self, client: Client, job: RelightJob, place: Place, method: str = "render") -> None:
        """`method` is `render`, or `passes` where `job` is one of `request.make_passes_job`."""
        self.job, self.place, self.method = job, place, method
        self._client = client
        self._call: Call | None = None
        self._cancelled = False
        self._ended = threading.Event()
        self._outcome: Outcome | None = None
        self._fraction, self._words = 0.0, "waiting for the worker"
        self._views_done = 0

    def start(self) -> Bake:
        """Write the job beside its frames and send it to the worker.

        Raises:
            OutputError: the job cannot be written.
        """
        if self.method == "render":
            jobs.save(self.job, self.place.job_file, overwrite=True)
        params = {"job": as_params(self.job)}
        self._call = self._client.call(self.method, params, on_progress=self._progressed)
        self._call.future.add_done_callback(self._rendered)
        return self

    def cancel(self) -> None:
        """Ask the worker to stop; it finishes the frame in work. `outcome` comes a little later."""
        self._cancelled = True
        if self._call is not None:
            self._client.cancel(self._call)

    @property
    def fraction(self) -> float:
        """The share that is done, 0 to 1."""
        return self._fraction

    @property
    def words(self) -> str:
        """The progress as text: `frame 1003, 3 of 24`."""
        return self._words

    @property
    def finished(self) -> bool:
        """Whether there is an outcome."""
        return self._ended.is_set()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        return self._outcome

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait for the outcome; None when it did not come in time. Never in the main thread of a host with a window."""
        self._ended.wait(timeout)
        return self._outcome

    def _progressed(self, event: dict[str, Any]) -> None:
        index, total, views = event["index"], max(event["total"], 1), self.job.parameters.views
        self._fraction = (self._views_done + index / total) / max(len(views), 1)
        view = f" of {views[self._views_done]}" if views else ""
        self._words = f"frame {event['frame']} {event['status']}, {index} of {total}{view}"
        if index == total and self._views_done + 1 < len(views):
            self._views_done += 1

    def _rendered(self, future: Future[Reply]) -> None:
        error = future.exception() if not future.cancelled() else StoppedError("stopped", 2)
        if error is not None:
            self._end(self._failed(error))
            return
        if self.method == "passes":
            made = format_frames(parse_frames(self.job.parameters.frames or ""))
            self._end(Outcome(f"the passes of frames {made} are made and used", passes=self.place.pattern))
            return
        frames = format_frames(self.place.frames())
        call = self._client.call("made", {"pattern": self.place.first_view, "frames": frames})
        call.future.add_done_callback(self._described)

    def _described(self, future: Future[Reply]) -> None:
        error = future.exception() if not future.cancelled() else StoppedError("stopped", 2)
        if error is not None:
            self._end(self._failed(error))
            return
        baked = as_baked(future.result().result, self.job, self.place)
        asked = parse_frames(self.job.parameters.frames or "")
        self._fraction = 1.0
        self._end(Outcome(f"frames {format_frames(asked)} are relit", baked))

    def _failed(self, error: BaseException) -> Outcome:
        code = error.exit_code if isinstance(error, RelampError) else 1
        kept = self.place.frames()
        if isinstance(error, StoppedError) or self._cancelled:
            words = f"stopped; {format_frames(kept)} are kept and the next bake goes on there" if kept else "stopped"
            return Outcome(words, stopped=True, exit_code=code)
        return Outcome(str(error).splitlines()[0] if str(error) else type(error).__name__, exit_code=code)

    def _end(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._ended.set()


def as_baked(made: dict[str, Any], job: RelightJob, place: Place) -> Baked:
    """The worker's reply `made` about frames, as the record that a node needs."""
    frames = {int(frame): header for frame, header in made["frames"].items()}
    scales = {frame: float(header.get("relamp/scale", 1.0)) for frame, header in frames.items()}
    channels = set(made["channels"])
    lamps = 0
    while f"lamp{lamps + 1}.R" in channels:
        lamps += 1
    return Baked(
        place=place,
        frames=tuple(sorted(frames)),
        scale=curve(scales),
        epsilon=float(next(iter(frames.values())).get("relamp/epsilon", 0.0)),
        alpha="A" in channels,
        covered="A" in channels and any(header.get("relamp/alpha") != "none" for header in frames.values()),
        lamps=lamps,
        ratio="ratio.R" in channels,
        job=job,
        rig=tuple(name for name in str(next(iter(frames.values())).get("relamp/rig", "")).split("; ") if name),
    )


def as_params(job: RelightJob) -> dict[str, Any]:
    """A job as the worker takes it: the JSON of a job file."""
    return json.loads(jobs.to_json(job))
