import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.temporal.align import NEIGHBOURS
from relamp.core.temporal.head import Head, load, parameters
from relamp.training.deflicker import clips, flicker
from relamp.training.deflicker.pool import Pool
from relamp.training.deflicker.ship import ship
from relamp.training.deflicker.train import left_over, main


def test_clips_come_from_their_seed_and_hold_what_is_asked():
    first, again = (clips.make(np.random.default_rng(3), (32, 40), "switch") for _ in range(2))
    assert np.array_equal(first.steady, again.steady)
    assert first.code.shape == first.hint.shape == first.steady.shape == (clips.FRAMES, 32, 40, 3)
    assert all(np.isfinite(a).all() for a in (first.code, first.matte, first.hint, first.steady))


def test_a_light_that_is_swapped_shows_in_the_hint_and_a_passing_shadow_does_not():
    def jump(event: str, seed: int) -> float:
        clip = clips.make(np.random.default_rng(seed), (32, 40), event)
        return float(np.abs(np.diff(clip.hint, axis=0)).mean((1, 2, 3)).max())

    seeds = range(4)
    assert np.median([jump("swap", s) for s in seeds]) > 4 * np.median([jump("passing", s) for s in seeds])


def test_a_third_of_the_clips_hold_only_true_changes():
    rng, clip = np.random.default_rng(0), clips.make(np.random.default_rng(1), (24, 32))
    silent = [not flicker.flicker(rng, clip).any() for _ in range(150)]
    assert 0.22 < np.mean(silent) < 0.46


@pytest.mark.parametrize("kind", range(len(flicker.KINDS)))
def test_every_kind_of_flicker_changes_from_frame_to_frame(kind):
    clip = clips.make(np.random.default_rng(2), (24, 32))
    wrong = flicker.KINDS[kind](np.random.default_rng(5), clip)
    assert wrong.shape == clip.code.shape
    assert np.isfinite(wrong).all()
    assert np.abs(np.diff(wrong, axis=0)).max() > 0.05


def test_the_head_is_small_and_begins_as_a_filter_that_keeps_still_pictures():
    head = Head()
    assert 60_000 <= parameters(head) <= 120_000
    n = len(NEIGHBOURS)
    still = (
        torch.zeros(1, n, 3, 16, 16),
        torch.randn(1, n, 3, 16, 16),
        *torch.rand(2, 1, n, 1, 16, 16),
        torch.ones(1, 1, 16, 16),
    )
    assert not head(*still).any()


def test_a_hole_has_no_say_whatever_stands_in_it():
    torch.manual_seed(0)
    head, n = Head(), len(NEIGHBOURS)
    difference, light = torch.randn(2, 1, n, 3, 16, 16) * 0.1
    plate, confidence = torch.rand(2, 1, n, 1, 16, 16)
    confidence[:, 2] = 0
    other = difference.clone()
    other[:, 2] += 5.0
    matte = torch.ones(1, 1, 16, 16)
    a, b = (head(d, light, plate, confidence, matte) for d in (difference, other))
    assert torch.allclose(a, b, atol=1e-6)


def test_batches_are_seeded():
    first, again = (next(Pool(4, 3).batches(2)) for _ in range(2))
    assert torch.equal(first.cells.difference, again.cells.difference)
    assert torch.equal(first.wrong, again.wrong)


@pytest.mark.slow
def test_training_resumes_and_what_it_leaves_ships(tmp_path):
    run = tmp_path / "run"
    options = ["--out", str(run), "--minutes", "0.5", "--pool", "12", "--batch", "2", "--say", "5"]
    assert main(options) == 0
    first = load(run / "weights.safetensors")[1]["step"]
    assert main([*options, "--resume"]) == 0
    head, card = load(run / "weights.safetensors")
    assert card["step"] > first
    check = Pool(99, 12).batches(6, every=0)
    assert left_over(head, [next(check) for _ in range(2)])["left"] < 0.9
    page = ship(run, tmp_path / "shipped" / "deflicker-1.onnx", tmp_path / "ledger.json")
    assert "deflicker-1" in page.read_text()
    assert (tmp_path / "shipped" / "deflicker-1-half.onnx").is_file()


def test_a_run_without_weights_does_not_ship(tmp_path):
    with pytest.raises(InputError, match="train first"):
        ship(tmp_path)
