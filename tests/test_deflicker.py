import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest

from moving import look, pan, random_head
from relamp.core.errors import InputError
from relamp.core.temporal import deflicker
from relamp.core.temporal.align import NEIGHBOURS, RADIUS, Aligner
from relamp.core.temporal.deflicker import Deflicker, load
from relamp.core.temporal.smaller import LARGEST, Smaller
from relamp.core.weights.ledger import LEDGER
from relamp.exporters.onnx import export


@pytest.fixture(autouse=True)
def _one_thread():
    cv2.setNumThreads(1)  # as every command does: DIS depends on it


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A head with random weights: what is promised of every head must hold of it."""
    folder = tmp_path_factory.mktemp("head")
    export(random_head(folder / "head.safetensors"), folder / "head.onnx")
    return Deflicker("cpu", folder / "head.onnx")


def flickering(seed=1, frames=2 * RADIUS + 1, size=(48, 64)):
    rng = np.random.default_rng(seed)
    fields = cv2.GaussianBlur(rng.normal(0, 1, (*size, 3)).astype(np.float32), (0, 0), 6)
    return [fields + rng.normal(0, 0.1) for _ in range(frames)]


def test_neighbours_are_brought_along_the_motion_of_the_plate():
    codes = pan(step=2.0)
    aligned = Aligner().align([look(code, code) for code in codes])  # the residual moves with the plate
    inside = (slice(8, -8), slice(12, -12))
    for i in range(len(NEIGHBOURS)):
        assert np.abs(aligned.difference[i][inside]).mean() < 0.1 * np.abs(codes[3][inside]).mean()
        assert aligned.confidence[i][inside].mean() > 0.7
    assert aligned.confidence[NEIGHBOURS.index(-3)][:, :4].max() < 0.2  # what came into view has not been seen


def test_what_is_not_there_has_no_say():
    codes = pan()
    window = [look(code, code) for code in codes]
    window[1] = None
    aligned = Aligner().align(window)
    assert not aligned.confidence[1].any()
    assert aligned.confidence[0].mean() > 0.3  # followed across the hole


def test_normals_that_a_network_guesses_anew_each_frame_are_no_change_of_light():
    """The hint flickers with them and the residual the other way: together they say the same in every frame."""
    code, rng = pan()[0], np.random.default_rng(0)
    bumps = cv2.GaussianBlur(rng.normal(0, 4, code.shape).astype(np.float32), (0, 0), 4)
    window = []
    for _ in range(7):
        shaken = bumps + np.array((0, 0, 1)) + cv2.GaussianBlur(rng.normal(0, 2, code.shape), (0, 0), 4)
        normals = (shaken / np.linalg.norm(shaken, axis=-1, keepdims=True)).astype(np.float32)
        hint = np.repeat((0.6 * normals[..., :1] + 0.3 * normals[..., 1:2] ** 2), 3, axis=2)
        window.append(look(code, 0.2 - hint, hint, normals=normals, known=np.zeros(code.shape[:2], np.float32)))
    guessed = Aligner().align(window)
    given = Aligner().align([replace(frame, known=np.ones(code.shape[:2], np.float32)) for frame in window])
    assert np.abs(guessed.difference).mean() < 0.1 * np.abs(given.difference).mean()
    assert np.abs(guessed.light).mean() < 0.1 * np.abs(given.light).mean()


def test_frames_that_are_alike_come_out_as_they_went_in(head):
    code = pan()[0]
    residual = flickering()[0]
    steady = head.steady([look(code, residual)] * 7, 1.0)
    assert np.array_equal(steady, residual)


def test_a_window_of_zeros_gives_zeros_whatever_the_light_does(head):
    codes = pan()
    hints = flickering(5)
    window = [look(code, np.zeros_like(code), hint) for code, hint in zip(codes, hints, strict=True)]
    assert not head.steady(window, 1.0).any()


@pytest.mark.parametrize("there", [(3,), (3, 4), (2, 3), (0, 3, 6)])
def test_short_shots_and_holes(head, there):
    codes, residuals = pan(), flickering()
    window = [look(c, r) if i in there else None for i, (c, r) in enumerate(zip(codes, residuals, strict=True))]
    steady = head.steady(window, 1.0)
    assert steady.shape == codes[3].shape
    assert np.isfinite(steady).all()
    assert np.array_equal(steady, residuals[3]) == (there == (3,))


def test_strength_goes_from_nothing_to_all(head):
    window = [look(c, r) for c, r in zip(pan(), flickering(), strict=True)]
    none, half, all_of_it = (head.steady(window, s) for s in (0.0, 0.5, 1.0))
    assert np.array_equal(none, window[3].residual)
    assert np.abs(all_of_it - none).max() > 1e-3
    assert half == pytest.approx((none + all_of_it) / 2, abs=1e-6)


def test_the_same_bits_whatever_was_asked_before(head):
    codes, residuals = pan(12), flickering(frames=12)
    looks = [look(c, r) for c, r in zip(codes, residuals, strict=True)]
    forward = [head.steady(looks[n - 3 : n + 4], 1.0) for n in range(3, 9)]
    fresh = [look(c.copy(), r.copy()) for c, r in zip(codes, residuals, strict=True)]
    backward = [head.steady(fresh[n - 3 : n + 4], 1.0) for n in reversed(range(3, 9))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward, strict=True))


@pytest.mark.parametrize("size", [(9, 13), (41, 57), (64, 64)])
def test_any_size(head, size):
    codes = pan(size=size)
    window = [look(c, r) for c, r in zip(codes, flickering(size=size), strict=True)]
    assert head.steady(window, 1.0).shape == (*size, 3)


def test_a_switched_lamp_is_neither_damped_nor_late():
    """The head that ships: the hint tells of the switch, and a residual that changes with it by half as much again."""
    shipped, switch = load(), 6
    codes, (shade, before, after) = pan(12), flickering(3, frames=3)
    dark = [look(c, 0.5 * before, 0 * shade) for c in codes[:switch]]
    looks = dark + [look(c, 0.5 * after, 2 * shade) for c in codes[switch:]]
    step = 0.5 * (after - before)
    for t in range(RADIUS, 12 - RADIUS):
        error = shipped.steady(looks[t - 3 : t + 4], 1.0) - looks[t].residual
        share = float((error * step).sum() / (step * step).sum())
        assert abs(share) < 0.05, f"frame {t - switch} after the switch"


def switched(codes, step, switch, wrong):
    """A lamp that no hint tells of: the residual steps by `step` at a frame, under flicker."""
    return [look(c, (t >= switch) * step + wrong[t]) for t, c in enumerate(codes)]


@pytest.mark.parametrize("strength", [0.15, 1.0])
@pytest.mark.parametrize("switch", [5, 6, 8])
def test_a_lamp_that_no_hint_tells_of_comes_through_at_once(strength, switch):
    shipped, codes = load(), pan(12)
    step = np.float32(strength) * (1 + flickering(4, frames=1)[0] / np.abs(flickering(4, frames=1)[0]).max())
    looks = switched(codes, step, switch, np.zeros((12, 1, 1, 3), np.float32))
    for t in range(RADIUS, 12 - RADIUS):
        error = shipped.steady(looks[t - 3 : t + 4], 1.0) - looks[t].residual
        assert abs(float((error * step).sum() / (step * step).sum())) < 0.05, f"frame {t - switch} after the switch"


def test_flicker_goes_on_both_sides_of_a_lamp_that_no_hint_tells_of():
    shipped, codes, frames, rng = load(), pan(18), 18, np.random.default_rng(2)
    step = np.full_like(codes[0], 0.8)
    wrong = rng.normal(0, 0.1, (frames, 1, 1, 1)).astype(np.float32)
    looks = switched(codes, step, 9, wrong)
    steady = [shipped.steady(looks[t - 3 : t + 4], 1.0) - (t >= 9) * step for t in range(3, frames - 3)]
    left = np.diff([frame.mean() for frame in steady])
    assert np.sqrt((left**2).mean()) < 0.35 * np.sqrt((np.diff(wrong[3:-3].ravel()) ** 2).mean())


def test_a_lamp_that_lights_places_apart_stays_while_whole_frames_flicker():
    """The shape of the light tells of a switch that is no stronger than the flicker of whole frames."""
    shipped, codes = load(), pan(12)
    shade = flickering(4, frames=1)[0]
    shade -= shade.mean()
    step, kept = np.float32(0.3) * shade / np.abs(shade).max(), []
    for seed in (5, 6, 7):
        wrong = np.random.default_rng(seed).normal(0, 0.15, (12, 1, 1, 1)).astype(np.float32)
        for sign in (1, -1):  # the flicker's own step cancels in the mean
            looks = switched(codes, step, 6, sign * wrong)
            before, after = (shipped.steady(looks[t - 3 : t + 4], 1.0) for t in (5, 6))
            kept.append(float(((after - before) * step).sum() / (step * step).sum()))
    assert 0.8 < np.mean(kept) < 1.05


def test_a_frame_that_pops_is_no_lamp_that_is_switched():
    shipped, codes = load(), pan(7)
    wrong = np.zeros((7, 1, 1, 3), np.float32)
    wrong[3] = 0.4
    looks = switched(codes, 0.0 * codes[0], 0, wrong)
    assert np.abs(shipped.steady(looks, 1.0)).mean() < 0.05


def test_spots_that_flicker_go_from_a_subject_whose_light_turns():
    """The head that ships: what goes steadily one way stays, in the hint and in the residual; what comes and goes does not."""
    shipped, frames, size, chance = load(), 12, (72, 96), np.random.default_rng(0)

    def fields(count, blur, strength):
        noise = chance.normal(0, strength, (count, *size, 3)).astype(np.float32)
        return np.stack([cv2.GaussianBlur(field, (0, 0), blur) for field in noise])

    codes, (hint, drift), spots = pan(frames, size=size), fields(2, 8, 0.84), fields(frames, 12, 2.0)

    def errors(wrong):
        looks = [look(c, t * drift + wrong[t], t * hint) for t, c in enumerate(codes)]
        within = range(RADIUS, frames - RADIUS)
        return np.stack([shipped.steady(looks[t - 3 : t + 4], 1.0) - t * drift for t in within])

    def change(pictures):
        return float(np.sqrt((np.diff(pictures, axis=0) ** 2).mean()))

    assert change(errors(spots)) < 0.35 * change(spots)
    assert change(errors(0 * spots)) < 0.05 * float(np.sqrt(((drift + hint) ** 2).mean()))


def test_large_frames_are_looked_at_smaller_and_keep_their_detail(head):
    """The correction is coarse and light is: what it is added to stays as fine as it was."""
    size = (2 * LARGEST // 3, 4 * LARGEST // 3)
    codes, levels = pan(size=size), np.random.default_rng(0).normal(0, 0.1, 7)
    detail = flickering(size=size, frames=1)[0].astype(np.float32)
    window = [look(c, np.full_like(c, level)) for c, level in zip(codes, levels, strict=True)]
    window[3] = look(codes[3], detail)
    correction = head.steady(window, 1.0) - detail
    small = Smaller().window(window)
    assert small[3].matte.shape == (LARGEST // 2, LARGEST)
    expected = head.steady(small, 1.0) - small[3].residual
    assert np.abs(expected).max() > 1e-3
    smaller = cv2.resize(correction, expected.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(smaller - expected).mean() < 0.1 * np.abs(expected).mean()


def test_a_file_that_is_missing_or_no_head_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.onnx.*--no-deflicker"):
        Deflicker("cpu", tmp_path / "nothing.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no head")
    with pytest.raises(InputError, match=r"damaged\.onnx cannot be read"):
        Deflicker("cpu", damaged)


def test_a_gpu_that_onnxruntime_does_not_know_is_said(head, tmp_path, caplog):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    export(random_head(tmp_path / "head.safetensors"), tmp_path / "head.onnx")
    with caplog.at_level(logging.INFO, logger="relamp"):
        Deflicker("cuda:0", tmp_path / "head.onnx")
    assert "runs on the processor" in caplog.text


def test_the_shipped_head_with_one_other_bit_is_refused(tmp_path):
    whole = deflicker.SHIPPED.read_bytes()
    changed = tmp_path / deflicker.SHIPPED.name
    changed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (tmp_path / LEDGER.name).write_bytes(LEDGER.read_bytes())
    with pytest.raises(InputError, match="is damaged or was changed"):
        Deflicker("cpu", changed)
