"""Everything about one shot: planning, reading, lighting, rendering and previewing. `relight` renders a job in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..job import RelightJob
    from ..process import Stop
    from ..progress import Event, Listener
    from ..report import Report
    from ..temporal.residual_store import ResidualStore
    from .plan import Plan


def relight(
    job: RelightJob,
    on_event: Listener | None = None,
    stop: Stop | None = None,
    *,
    plans: Sequence[Plan] | None = None,
    stores: Sequence[ResidualStore | None] | None = None,
) -> list[Report]:
    """Relight a shot: every frame of every view is read, relit and written.

    Every view is checked before the first is rendered. With the parameter `keep_going`, the views after one that failed are
    rendered too, and the first error is raised at the end.

    Args:
        on_event: called once per frame, from the calling thread; its counts include all views.
        stop: when set, frames in progress are finished and no new ones are started.
        plans: one plan per view, where the job is already prepared (`prepare.prepare_views`).
        stores: one per plan: the storage through which the chunks of a job share the network's predictions.

    Returns:
        One report per view.

    Raises:
        UsageError: an option is missing or cannot work, or a frame would replace a file without permission.
        InputError: an input is missing or unreadable.
        FramesFailedError: some frames failed, or were skipped because their plates are missing.
        StoppedError: `stop` was set; finished frames are kept.
        RelampError: the error of the first frame that failed, without `keep_going`.
    """
    from ..errors import RelampError
    from ..process import Stop, set_up
    from .prepare import prepare_views
    from .render import render

    set_up()
    stop = stop or Stop()
    plans = prepare_views(job) if plans is None else plans
    reports: list[Report] = []
    first: RelampError | None = None
    for index, plan in enumerate(plans):
        try:
            reports.append(render(plan, _counted(on_event, plans, index), stop, stores[index] if stores else None))
        except RelampError as error:
            if stop.is_set() or not plan.parameters.keep_going:
                raise
            first = first or error
    if first is not None:
        raise first
    return reports


def _counted(on_event: Listener | None, plans: Sequence[Plan], index: int) -> Listener | None:
    """The listener for the events of one plan, with `index` and `total` counted over all plans."""
    if on_event is None or len(plans) == 1:
        return on_event
    before, total = (sum(len(plan.tasks) for plan in some) for some in (plans[:index], plans))

    def counted(event: Event) -> None:
        on_event(replace(event, index=before + event.index, total=total))

    return counted
