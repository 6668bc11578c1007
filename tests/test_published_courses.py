"""Schedules and steps against the authors' runs."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from published_goldens import QUIET, config, error, notes, numbers, stored
from relamp.core.errors import UsageError
from relamp.core.relighter.light_a_video.light_fusion import background_schedule, schedule
from relamp.core.relighter.stable_diffusion.noise import START, clip_noise, frame_noise, light_a_video_noise
from relamp.core.relighter.stable_diffusion.samplers import Course, counts, ddpm, image_course, video_course

pytestmark = QUIET
SCHEDULED = sorted({key.split(".")[0] for key in numbers("iclight_schedule") if key.startswith("steps")})
IMG2IMG = notes("iclight_schedule")["img2img"]
# Sorted: the order of a safetensors file's metadata differs from process to process, and pytest-xdist needs one order in all.
FUSED = sorted(key for key in notes("plf_schedules") if key.startswith("animatediff"))
GENERATED = sorted(key for key in notes("plf_schedules") if key.startswith("inpaint"))


def walked(course: Course, run: dict[str, torch.Tensor], sample: torch.Tensor) -> list[torch.Tensor]:
    samples = [sample]
    for i in range(len(course.timesteps)):
        sample = course.step(sample, run["eps"][i], i, run["noise"][i])
        samples.append(sample)
    return samples


def run_of(name: str) -> dict[str, torch.Tensor]:
    g = numbers("iclight_schedule")
    return {key.removeprefix(f"{name}."): v for key, v in g.items() if key.startswith(f"{name}.")}


@pytest.mark.golden
@pytest.mark.parametrize("name", SCHEDULED)
def test_karras_tables_are_the_authors(name: str) -> None:
    g, steps = numbers("iclight_schedule"), int(name.removeprefix("steps"))
    course = image_course("dpm++", steps, steps, config("iclight_schedule"))
    assert torch.equal(course.timesteps, g[f"{name}.timesteps"])
    assert error(course._scheduler.sigmas, g[f"{name}.sigmas"]) <= 1e-5
    assert error(course._scheduler.alphas_cumprod, g["alphas_cumprod"]) <= 1e-6


@pytest.mark.golden
@pytest.mark.parametrize("case", IMG2IMG, ids=lambda c: f"{c['steps']}@{c['strength']}")
def test_strength_runs_the_last_steps_of_a_longer_schedule(case: dict) -> None:
    assert counts(case["steps"], case["strength"]) == (case["scheduled"], case["executed"])
    expected = numbers("iclight_schedule")[f"img2img_{case['steps']}_{round(case['strength'] * 100)}.timesteps"]
    course = image_course("dpm++", case["scheduled"], case["executed"], config("iclight_schedule"))
    assert torch.equal(course.timesteps, expected)


@pytest.mark.golden
def test_a_run_from_noise_follows_the_authors() -> None:
    run, steps = run_of("t2i"), notes("iclight_schedule")["t2i_steps"]
    course = image_course("dpm++", steps, steps, config("iclight_schedule"))
    assert torch.equal(course.timesteps, run["timesteps"])
    ours = walked(course, run, course.begin(run["samples"][0]))
    assert error(torch.stack(ours), run["samples"]) <= 1e-4


@pytest.mark.golden
def test_a_run_from_a_picture_follows_the_authors() -> None:
    run, executed = run_of("i2i"), len(run_of("i2i")["timesteps"])
    course = image_course("dpm++", len(run["sigmas"]) - 1, executed, config("iclight_schedule"))
    assert torch.equal(course.timesteps, run["timesteps"])
    ours = walked(course, run, course.begin(run["start_noise"], run["clean"]))
    assert error(torch.stack(ours), run["samples"]) <= 1e-4


@pytest.mark.golden
@pytest.mark.parametrize("name", FUSED)
def test_fusion_schedules_are_the_authors(name: str) -> None:
    g, case = numbers("plf_schedules"), notes("plf_schedules")[name]
    scheduled, executed = counts(case["num_step"], case["strength"])
    assert (scheduled, executed) == (case["scheduler_steps"], case["executed"])
    course = video_course("animatediff", scheduled, executed, _spaced(name))
    assert torch.equal(course.timesteps, g[f"{name}.timesteps"])
    assert error(course.sigmas, g[f"{name}.sigmas"]) <= 1e-5
    ours = schedule(executed, 1, case["stop"])
    assert error(torch.tensor(ours.fusion), g[f"{name}.lambda"]) <= 1e-6
    assert error(torch.tensor(ours.detail), g[f"{name}.detail_weight"]) <= 1e-6
    relit = [ours.relights(i) for i in range(executed)]
    assert relit == g[f"{name}.relit"].bool().tolist()
    assert sum(relit) == case["relit"]


@pytest.mark.golden
@pytest.mark.parametrize("name", GENERATED)
def test_background_schedules_are_the_authors(name: str) -> None:
    g, case = numbers("plf_schedules"), notes("plf_schedules")[name]
    course = video_course("animatediff", case["num_step"], case["num_step"], _spaced(name))
    assert torch.equal(course.timesteps, g[f"{name}.all_timesteps"])
    ours, blend = background_schedule(course.timesteps, case["strength"], case["stop"])
    assert blend == case["blend_steps"]
    assert [i < blend for i in range(case["num_step"])] == g[f"{name}.blend_phase"].bool().tolist()
    assert torch.equal(course.timesteps[blend:], g[f"{name}.timesteps"])
    assert error(torch.tensor(ours.fusion[blend:]), g[f"{name}.lambda"]) <= 1e-6
    assert error(torch.tensor(ours.detail[blend:]), g[f"{name}.detail_weight"]) <= 1e-6
    assert [ours.relights(i) for i in range(blend, case["num_step"])] == g[f"{name}.relit"].bool().tolist()


@pytest.mark.golden
@pytest.mark.parametrize("name", FUSED)
def test_schedules_do_not_depend_on_how_the_fusion_file_of_the_set_is_spaced(name: str) -> None:
    other = {**config("plf_animatediff"), "timestep_spacing": "linspace", "steps_offset": 0}
    case = notes("plf_schedules")[name]
    course = video_course("animatediff", case["scheduler_steps"], case["executed"], _spaced(name, other))
    assert torch.equal(course.timesteps, numbers("plf_schedules")[f"{name}.timesteps"])


def _spaced(name: str, fusion: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """AnimateDiff's scheduler with the spacing that the case is named after.

    The betas are those of the set's `fusion` file, by default the one on disk. The offset is not: that file has the offset of its
    own spacing, while the schedules were recorded with offset 1 (which `linspace` does not look at).
    """
    spacing = name.rsplit("_", 1)[1]
    return {**(fusion or config("plf_animatediff")), "timestep_spacing": spacing, "steps_offset": 1}


def test_published_relighting_steps_are_counted_as_published() -> None:
    assert [counts(*case) for case in ((25, 0.5), (25, 0.4), (20, 0.9), (15, 0.9))] == [
        (50, 25),
        (62, 24),
        (22, 19),
        (17, 15),
    ]


@pytest.mark.parametrize(("steps", "strength"), [(0, 0.5), (5, 0.0), (5, 1.1), (5, float("nan")), (1, 0.9)])
def test_a_run_without_steps_is_refused(steps: int, strength: float) -> None:
    with pytest.raises(UsageError, match="steps"):
        counts(steps, strength)


@pytest.mark.parametrize("name", ["animatediff", "cogvideox", "wan"])
def test_a_step_toward_the_own_clean_prediction_is_the_ordinary_step(name: str) -> None:
    course, noise = video_course(name, 20, 12), clip_noise(5)
    sample = course.begin(noise(START, (2, 3)), noise(90, (2, 3)))
    for i in range(12):
        output, fresh = noise(i, (2, 3)), noise(50 + i, (2, 3))
        ordinary = course.step(sample, output, i, fresh)
        toward = course.toward(sample, course.clean(sample, output, i), i, fresh)
        assert error(ordinary, toward) < 1e-4
        sample = ordinary


def test_a_course_ends_on_the_clean_sample() -> None:
    clean, noise = torch.full((2, 3), 0.3), clip_noise(5)
    for course in (video_course("cogvideox", 10, 6), video_course("wan", 10, 6), ddpm(10)):
        last = len(course.timesteps) - 1
        assert error(course.toward(course.noisy(clean, noise(0, (2, 3)), last), clean, last, None), clean) < 1e-2


@pytest.mark.parametrize("make", [image_course, video_course])
def test_an_unknown_course_is_refused_by_name(make) -> None:
    with pytest.raises(UsageError, match="no scheduler 'magic'; use one of"):
        make("magic", 10, 10)


def test_noise_is_the_same_for_every_frame_and_depends_on_step_and_seed() -> None:
    shape = (3, 4, 5, 5)
    drawn = frame_noise(7)(2, shape)
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn, frame_noise(7)(2, shape))
    assert not torch.equal(drawn, frame_noise(7)(3, shape))
    assert not torch.equal(drawn, frame_noise(8)(2, shape))
    assert not torch.equal(*clip_noise(7)(2, shape)[:2])


def test_light_a_video_begins_every_frame_alike_and_steps_apart() -> None:
    noise = light_a_video_noise(3)
    begin, step = noise(START, (2, 4, 3, 3)), noise(0, (2, 4, 3, 3))
    assert torch.equal(begin[0], begin[1])
    assert not torch.equal(step[0], step[1])


def test_stored_noise_is_given_back_in_the_shape_asked_for() -> None:
    assert stored(torch.ones(1, 2), torch.zeros(1, 1, 2))(START, (3, 2)).shape == (3, 2)
