"""The denoiser, its sampling and its weights on disk: behaviour that holds for any weights."""

import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.relighter import weights
from relamp.core.relighter.own.conditions import features
from relamp.core.relighter.own.denoiser import Architecture, Network
from relamp.core.relighter.own.lobes import EVIDENCE_CHANNELS, LOBES, evidence, over_matte
from relamp.core.relighter.own.sampling import add_noise, sample, wiener
from small_relighter import conditions, environment, network, tables


def denoised(made, c, steps=1, seed=0):
    """The residual of one frame, (1, 3, h, w)."""
    f = made.told(c, made.see(c))
    noise = torch.randn(f.hint.shape, generator=torch.Generator().manual_seed(seed))
    return sample(lambda estimate, level: made.denoiser(f, estimate, level), noise, steps)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "toy.safetensors"
    weights.save(network(), path, {"name": "toy", "step": 3})
    return path


def test_the_shipped_architecture_stays_under_sixteen_million():
    assert sum(p.numel() for p in Network(Architecture()).parameters()) < 16e6


def test_an_untrained_network_answers_for_a_surface_that_is_nearly_matte():
    made, c = network(awake=False), conditions()
    f = made.told(c, made.see(c))
    predicted = made.denoiser.predict(f, torch.zeros_like(f.hint), torch.ones(1))
    assert torch.equal(predicted.residual, over_matte(f.target, f.source, f.flags[:, 0], predicted.lobes))
    assert predicted.lobes.exp()[:, 0].min() > 0.8


def test_a_mirror_shows_what_it_mirrors_and_a_matte_surface_the_hint():
    c = conditions(source=tables(environment((0, 1, 0))))
    f = features(c, c.normals)
    for lobe in range(LOBES):
        logs = torch.full((1, LOBES, *f.hint.shape[-2:]), -1e9)
        logs[:, lobe] = 0
        wanted = (f.target - f.source)[:, 3 * lobe : 3 * lobe + 3]
        torch.testing.assert_close(
            f.hint + over_matte(f.target, f.source, f.flags[:, 0], logs), wanted, rtol=0, atol=1e-4
        )


@pytest.mark.parametrize("lobe", range(LOBES))
def test_a_plate_speaks_for_the_lobe_that_made_it(lobe):
    c = conditions(source=tables(environment((0.5, 0.5, 0.7))))
    f = features(c, c.normals)
    plate = f.source[:, 3 * lobe : 3 * lobe + 3].exp() * 0.4
    for matte_left, others_less in (
        w.split((1, LOBES - 1), 1) for w in evidence(plate, f.source, c.matte).split(LOBES, 1)
    ):
        left = torch.cat([matte_left, matte_left + others_less], dim=1)
        found = (left.argmin(1) == lobe)[c.matte[:, 0] > 0]
        assert found.float().mean() > 0.8


def test_without_a_source_light_nothing_speaks():
    c = conditions()
    assert features(c, c.normals).planes[:, -EVIDENCE_CHANNELS:].abs().max() == 0


def test_sizes_that_are_no_multiple_of_the_fold_come_back_as_they_were():
    made, c = network(), conditions(size=(37, 51))
    assert denoised(made, c).shape == made.see(c).normals.shape == (1, 3, 37, 51)
    assert denoised(made, c).isfinite().all()


def test_given_normals_are_kept_and_missing_ones_seen():
    made, given, blind = network(), conditions(), conditions(given=False)
    assert torch.equal(made.told(given, made.see(given)).planes[:, 4:7], given.normals)
    seen = made.told(blind, made.see(blind)).planes[:, 4:7]
    assert seen.norm(dim=1).sub(1).abs().max() < 1e-4
    assert seen.std() > 0
    assert torch.equal(seen, made.see(blind).normals)


def test_the_same_frame_gives_the_same_bits():
    one, two = (denoised(network(), conditions(), steps=3, seed=5) for _ in range(2))
    assert torch.equal(one, two)


def test_one_step_does_not_depend_on_the_seed_and_more_steps_do():
    made = network()
    one = [denoised(made, conditions(), seed=s) for s in (0, 1)]
    three = [denoised(made, conditions(), steps=3, seed=s) for s in (0, 1)]
    assert torch.equal(*one)
    assert not torch.equal(*three)


def test_the_source_light_is_heard():
    made, light = network(), tables(environment((0, 1, 0)))
    assert not torch.equal(denoised(made, conditions()), denoised(made, conditions(source=light)))


def test_weights_come_back_in_half_precision_with_their_card(stored):
    loaded = weights.load(stored)
    assert loaded.card["name"] == "toy"
    assert loaded.card["licence"] == "Apache-2.0"
    assert len(loaded.digest) == 64
    for name, value in network().state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value.half().float())


def test_missing_weights_are_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"relamp\.training\.train"):
        weights.load(tmp_path / "none.safetensors")


def test_other_files_are_no_weights(tmp_path, stored):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(stored.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read"):
        weights.load(broken)
    foreign = tmp_path / "foreign.safetensors"
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, str(foreign))
    with pytest.raises(InputError, match="schema"):
        weights.load(foreign)


def test_a_perfect_prediction_is_found_in_any_number_of_steps():
    clean, noise = torch.randn(1, 3, 8, 8) * 0.5, torch.randn(1, 3, 8, 8)
    for steps in (1, 2, 5):
        assert torch.allclose(sample(lambda estimate, level: clean, noise, steps), clean)


def test_at_full_noise_nothing_is_seen_and_at_none_everything():
    clean, noise = torch.randn(1, 3, 8, 8) * 0.5, torch.randn(1, 3, 8, 8)
    full, none = torch.ones(1), torch.zeros(1)
    assert wiener(add_noise(clean, noise, full), full).abs().max() == 0
    assert torch.allclose(wiener(add_noise(clean, noise, none), none), clean, atol=1e-5)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_network_leaves_a_grid_of_its_fold(given, seed):
    made, light = network(seed), tables(environment((0, 1, 0)))
    c = conditions(source=light, size=(96, 96), given=given)
    for planes in (denoised(made, c), made.see(c).normals):
        picture = planes[0].numpy().transpose(1, 2, 0)
        assert max(peak_at_period(picture, 4), peak_at_period(picture.transpose(1, 0, 2), 4)) < 3


def peak_at_period(picture, period):
    """Power of (h, w, 3) along rows at a period of so many pixels, over that of the frequencies around it."""
    plane = picture.mean(-1)
    plane = (plane - plane.mean()) * np.hanning(len(plane))[:, None] * np.hanning(plane.shape[1])
    power = (np.abs(np.fft.rfft(plane, axis=1)) ** 2).mean(0)
    k = plane.shape[1] // period
    return power[k - 1 : k + 2].mean() / np.concatenate([power[k - 6 : k - 3], power[k + 4 : k + 7]]).mean()
