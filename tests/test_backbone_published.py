"""IC-Light, RelightVid and Light-A-Video through `relamp render`, on tiny random networks in the published layout.

The pictures mean nothing; the path is that of the real weights.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from cachetools import LRUCache, cached

from published_goldens import QUIET, error, notes, numbers, stored, under
from relamp.core.cli import main
from relamp.core.errors import DeviceError, InputError, UsageError
from relamp.core.gain import seen_materials
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.curves import decode_log_tensor
from relamp.core.relighter import load
from relamp.core.relighter.ic_light.backbone import ICLightFrames
from relamp.core.relighter.light_a_video.backbone import LightAVideo
from relamp.core.relighter.light_a_video.light_fusion import fuse_light, schedule
from relamp.core.relighter.light_a_video.model import ClipRelighter
from relamp.core.relighter.light_a_video.temporal_prior import TemporalPrior
from relamp.core.relighter.models.ledger import ADAPTER
from relamp.core.relighter.own import backbone as own_backbone
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.relighter.relightvid.backbone import RelightVidShot
from relamp.core.relighter.stable_diffusion import pixels, proxies
from relamp.core.relighter.stable_diffusion.common import Pair
from relamp.core.relighter.stable_diffusion.noise import clip_noise
from relamp.core.relighter.stable_diffusion.offload import Home
from relamp.core.relighter.stable_diffusion.prompts import Text
from relamp.core.relighter.stable_diffusion.samplers import video_course
from relamp.core.shape.estimators import own
from relamp.core.shot.checks import check_options
from shots import Shot, layer, read_exr
from small_published import ACCEPTED, write_models
from small_relighter import conditions, environment, tables

pytestmark = QUIET
RGB = ("R", "G", "B")
BACKBONES = {
    "ic-light": ("--ic-light-passes", "1"),
    "ic-light fbc, two passes": ("--ic-light", "fbc"),
    "relightvid": ("--ensemble", "3"),
    "light-a-video": ("--video-steps", "2"),
    "light-a-video, foreground": ("--video-steps", "2", "--clip-mode", "foreground"),
    "light-a-video, sdedit": ("--video-steps", "2", "--clip-mode", "sdedit"),
    "light-a-video, nothing downloaded": (
        "--video-steps", "4", "--image-relighter", "relamp", "--video-model", "smooth",
    ),
    "light-a-video, alone": ("--clip-mode", "alone", "--light-attention", "0"),
    "light-a-video, own light": ("--video-steps", "2", "--image-relighter", "relamp"),
    "light-a-video, temporal prior": ("--video-steps", "2", "--video-model", "smooth"),
}  # fmt: skip


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", autouse=True)
def _our_shapes_are_seen_once() -> Iterator[None]:
    """Our shape network sees the same pixels once: it is given the same ball for each backbone, and is not their claim."""

    def pixels_of(
        _: torch.nn.Module, code: torch.Tensor, matte: torch.Tensor, parts: torch.nn.Module | None = None
    ) -> tuple[object, ...]:
        return code.shape, code.numpy().tobytes(), matte.numpy().tobytes(), parts is None

    see = cached(LRUCache(64), pixels_of)(own.see)
    with pytest.MonkeyPatch.context() as patch:
        for module in (own, own_backbone):
            patch.setattr(module, "see", see)
        yield


def render(shot: Shot, models: Path, backbone: str, *more: str, out: str | None = None) -> int:
    name = backbone.split(",")[0].split(" ")[0]
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", out or shot.out, "-q", "--backbone", name]
    arguments += ["--models", str(models), "--accept", ACCEPTED, "--steps", "2", "--prompt", "warm light"]
    arguments += ["--working-size", "128"]  # a quarter of their own: these networks are of chance
    return main([*arguments, *BACKBONES.get(backbone, ()), *more])


def given(models: Path, backbone: str, **more) -> RelightParameters:
    settings = {"models": str(models), "accept": tuple(ACCEPTED.split(",")), "device": "cpu"} | more
    return RelightParameters(backbone=backbone, **settings)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_shot_is_rendered_and_what_is_not_lit_stays(tmp_path, models, backbone):
    shot = Shot(tmp_path, "float", frames=2)
    assert render(shot, models, backbone) == 0
    for frame in (1001, 1002):
        before, spec = read_exr(shot.plate_frame(frame))
        after, made = read_exr(shot.out_frame(frame))
        outside = before[..., 3] == 0
        np.testing.assert_array_equal(after[outside], before[outside])
        np.testing.assert_array_equal(after[..., 3:], before[..., 3:])
        assert np.isfinite(after).all()
        assert np.abs(after - before)[~outside][:, :3].max() > 0.01
        assert (made.full_width, made.x, made.channelnames) == (spec.full_width, spec.x, spec.channelnames)
        assert made.getattribute("relamp/model") == backbone.split(",")[0].split(" ")[0]
        assert len(made.getattribute("relamp/weights")) == 12


@pytest.mark.parametrize("backbone", ["ic-light", pytest.param("relightvid", marks=pytest.mark.slow), "light-a-video"])
def test_a_frame_alone_and_a_stop_up_is_twice_that_of_the_shot(tmp_path, models, backbone):
    shot = Shot(tmp_path, "float", frames=2)
    assert render(shot, models, backbone) == 0
    up = str(tmp_path / "up.####.exr")
    assert render(shot, models, backbone, "--frames", "1002", "--env-exposure", "1", out=up) == 0
    base, brighter = layer(shot.out_frame(1002), *RGB), layer(tmp_path / "up.1002.exr", *RGB)
    lit = layer(shot.out_frame(1002), "A")[..., 0] > 0
    np.testing.assert_allclose(brighter[lit], 2 * base[lit], rtol=1e-6)
    assert not (tmp_path / "up.1001.exr").exists()  # the clip is read whole, and only what was asked for is written


@pytest.mark.parametrize("level", ["match", "absolute"])
@pytest.mark.parametrize("known", [True, False])
def test_our_own_light_without_fusing_is_our_own_relight(tmp_path, monkeypatch, level, known):
    shot, alone = Shot(tmp_path, "float", frames=2), str(tmp_path / "alone.####.exr")
    given = ["render", shot.plate, "--env", shot.env_b, "-q", "--grain", "off", "--env-level", level]
    # Our own relight traces shadows at the frame's size, steadies the shape over the neighbours, and lets skin and hair mirror;
    # that of a clip does none of it.
    monkeypatch.setattr(seen_materials, "SHINE", dict.fromkeys(seen_materials.SHINE, 0.0))
    given += [
        "--working-size",
        "320",
        "--shadows",
        "0",
        "--no-temporal",
        *(("--source-env", shot.env_a) if known else ()),
    ]
    assert main([*given, "--backbone", "relamp", "--out", shot.out]) == 0
    light_a_video = ["--backbone", "light-a-video", "--image-relighter", "relamp", "--video-model", "smooth"]
    assert main([*given, *light_a_video, "--clip-mode", "alone", "--out", alone]) == 0
    for frame in (1001, 1002):
        ours, theirs = layer(shot.out_frame(frame), *RGB), layer(tmp_path / f"alone.{frame}.exr", *RGB)
        if known and level == "match":  # our own relight keeps the subject's exposure by one number, that of a clip does not
            lit = ours > 1e-3
            theirs = np.where(lit, theirs * np.median(ours[lit] / theirs[lit]), theirs)
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4)


def test_frames_of_a_whole_clip_method_are_the_same_bits_however_they_are_asked_for(tmp_path, models):
    shot, backbone = Shot(tmp_path, frames=2), "light-a-video, nothing downloaded"
    assert render(shot, models, backbone) == 0
    for frames in ("1002", "1001"):
        assert render(shot, models, backbone, "--frames", frames, out=str(tmp_path / "c.####.exr")) == 0
    for frame in (1001, 1002):
        np.testing.assert_array_equal(read_exr(tmp_path / f"c.{frame}.exr")[0], read_exr(shot.out_frame(frame))[0])


def test_what_was_used_and_its_licence_is_in_the_header_and_the_plates_words_stay(tmp_path, models):
    shot = Shot(tmp_path, frames=1)
    path = str(shot.plate_frame(1001))
    buffer = oiio.ImageBuf(path)
    buffer.read(force=True)
    buffer.specmod().attribute("input/camera", "A012")
    assert buffer.write(path)
    assert render(shot, models, "relightvid", "--ensemble", "1") == 0
    made = read_exr(shot.out_frame(1001))[1]
    assert made.getattribute("input/camera") == "A012"
    said = made.getattribute("relamp/models")
    assert "realistic-vision-v51" in said
    assert "relvid_mm_sd15_fbc.safetensors" in said
    assert "noncommercial (CC BY-NC-SA 4.0)" in said


def test_a_licence_that_was_not_accepted_stops_before_any_work(tmp_path, models, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, models, "relightvid", "--accept", "iclight_sd15_fbc") == 2
    assert "--accept relvid_mm_sd15_fbc" in capsys.readouterr().err
    assert not Path(shot.out).parent.exists()


def test_missing_weights_stop_before_any_work(tmp_path, models, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, tmp_path, "ic-light") == 4
    said = capsys.readouterr().err
    assert "2 models are missing; see `relamp models list`" in said
    for name in ("realistic-vision-v51", "iclight_sd15_fc.safetensors"):
        assert f"put it at {tmp_path / name}" in said
    assert not Path(shot.out).parent.exists()


def test_a_dry_run_estimates_the_memory_of_the_networks(tmp_path, models, capsys):
    shot = Shot(tmp_path)
    assert render(shot, models, "light-a-video", "--dry-run") == 0
    assert "networks" in capsys.readouterr().out


def test_a_second_pass_on_an_enlarged_picture_is_in_the_estimate(models):
    one, two = (load(given(models, "ic-light", ic_light_passes=passes)) for passes in (1, 2))
    networks = one.memory(0, 0, 1)
    assert two.memory(512, 512, 1) - networks == pytest.approx(1.5**2 * (one.memory(512, 512, 1) - networks))


@pytest.mark.parametrize("mode", ["foreground", "sdedit"])
def test_a_mode_without_a_video_model_is_refused(models, mode):
    with pytest.raises(UsageError, match=f"--clip-mode {mode} needs IC-Light and AnimateDiff"):
        check_options(given(models, "light-a-video", out="relit.exr", clip_mode=mode, video_model="smooth"))


def test_light_a_video_wants_weights_without_a_background(models):
    with pytest.raises(UsageError, match="relights with IC-Light fc or fcon"):
        load(given(models, "light-a-video", ic_light="fbc"))


def test_weights_of_something_else_are_refused_before_any_work(models):
    with pytest.raises(InputError, match=r"relvid_mm_sd15_fbc\.safetensors: has no conv_in\.weight"):
        load(given(models, "ic-light", ic_light=str(models / "relvid_mm_sd15_fbc.safetensors")))


@pytest.mark.parametrize(
    ("backbone", "span"), [("ic-light", "frame"), ("relightvid", "shot"), ("light-a-video", "shot")]
)
def test_methods_that_look_at_the_clip_say_so(models, backbone, span):
    assert load(given(models, backbone)).network.span == span


def test_memory_that_runs_out_says_what_to_set(models, monkeypatch):
    network = load(given(models, "ic-light"))

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(network, "_together", full)
    with pytest.raises(DeviceError, match=r"ic-light does not fit .*--working-size, --precision half, --offload"):
        network.relight([conditions()], frames=[1])


def test_offload_and_slices_leave_the_answer(models):
    plain = load(given(models, "ic-light", ic_light_passes=1)).relight([conditions()], frames=[1], steps=2)[0]
    frugal = load(given(models, "ic-light", ic_light_passes=1, attention_slicing=True, offload=True))
    np.testing.assert_allclose(
        frugal.relight([conditions()], frames=[1], steps=2)[0].residual, plain.residual, atol=1e-3
    )


@cache
def clip_residuals(models: Path, at_once: int | None) -> np.ndarray:
    """Residuals (3, h, w, 3) of three frames under lights of their own, `at_once` attended to at a time, None for all."""
    toward = ((1.0, 0.0, 0.0), (-1.0, 0.5, 0.0), (0.0, 1.0, 0.5))
    seen = [conditions(target=tables(environment(direction))) for direction in toward]
    network = load(given(models, "light-a-video", clip_mode="alone", frames_at_once=at_once))
    return np.stack([answer.residual for answer in network.relight(seen, frames=[1, 2, 3], steps=2)])


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_frames_worked_out_together_or_in_parts_are_the_same(models, frames):
    np.testing.assert_allclose(clip_residuals(models, frames), clip_residuals(models, None), atol=1e-3)


@cache
def gains_in(models: Path, backbone: str, precision: torch.dtype) -> np.ndarray:
    """Log gains (2, h, w, 3) of two frames under lights of their own, worked out in a precision."""
    seen = [conditions(target=tables(environment(toward))) for toward in ((1.0, 0.0, 0.0), (-1.0, 0.5, 0.0))]
    network = load(given(models, backbone, ic_light_passes=1, video_steps=2))
    network.home = Home("cpu", precision)
    return np.stack([a.hint + a.residual for a in network.relight(seen, frames=[1, 2], steps=2)])


@pytest.mark.parametrize(("dtype", "share"), [(torch.float16, 0.1), (torch.bfloat16, 0.4)])
@pytest.mark.parametrize(
    "backbone", ["ic-light", *(pytest.param(name, marks=pytest.mark.slow) for name in ("relightvid", "light-a-video"))]
)
def test_half_precision_answers_as_float_does_but_for_rounding(models, backbone, dtype, share):
    whole, half = (gains_in(models, backbone, precision) for precision in (torch.float32, dtype))
    assert np.abs(half - whole).mean() < share * whole.std()
    assert not np.array_equal(half, whole)


def test_answers_that_are_not_finite_are_refused_and_say_what_to_set(models, monkeypatch):
    network = load(given(models, "ic-light", precision="half"))
    nan = torch.full((1, 3, 64, 64), torch.nan)
    monkeypatch.setattr(network, "_load", lambda: None)
    monkeypatch.setattr(network, "_relit", lambda *_: Pair(nan, torch.zeros_like(nan)))
    with pytest.raises(InputError, match=r"ic-light answers with numbers that are not finite.*--precision float"):
        network.relight([conditions()], frames=[1])


def test_slices_that_a_network_has_not_are_told_of(models, caplog):
    load(given(models, "relightvid", attention_slicing=True))._load()
    assert "UNetMotionModel has no slices to attend in" in caplog.text


class Moved(torch.nn.Linear):
    """Says where it is taken, and stays."""

    def __init__(self, name: str, said: list[str]) -> None:
        super().__init__(2, 2)
        self.name, self.said = name, said

    def to(self, device):
        self.said.append(f"{self.name} to {torch.device(device).type}")
        return self


def test_offloaded_networks_are_on_the_gpu_one_at_a_time():
    said: list[str] = []
    home = Home("cuda:0", torch.float16, offload=True)
    unet, vae = (home.take(Moved(name, said)) for name in ("unet", "vae"))
    assert unet.weight.dtype == torch.float16
    assert unet.weight.device.type == "cpu"  # not taken there before it is asked for
    for network in (vae, unet, unet, unet, vae):
        assert home(network) is network
    assert said == ["vae to cuda", "vae to cpu", "unet to cuda", "unet to cpu", "vae to cuda"]


def test_turning_the_light_turns_what_a_run_begins_with():
    def picture(toward):
        c = conditions(target=tables(environment(toward)))
        return proxies.lit_surface(c, c.normals).astype(int).sum(-1)

    right, left = picture((1.0, 0.0, 0.0)), picture((-1.0, 0.0, 0.0))
    assert right[:, 24:].sum() > 1.3 * right[:, :24].sum()
    assert left[:, :24].sum() > 1.3 * left[:, 24:].sum()


def test_the_subjects_brightest_sits_at_seven_tenths_and_the_way_back_is_exact():
    c = conditions()
    clip = proxies.Clip.of([c])
    assert clip.size == (64, 64)
    inside = clip.cut(clip.matte)[0, ..., 0] > 0.5
    shown = clip.cut(clip.subject)[0] / 255
    assert abs(np.percentile(shown[inside], 99.5) - 0.7) < 0.01
    light = proxies.from_display(shown) / clip.exposure
    np.testing.assert_allclose(light[inside], proxies.picture(decode_log_tensor(c.code))[inside], rtol=0.05, atol=0.003)


def test_a_gain_is_put_at_the_hints_level_and_keeps_its_shape():
    rng = np.random.default_rng(0)
    gain, hint = rng.normal(2, 1, (8, 8, 3)).astype(np.float32), rng.normal(-1, 0.5, (8, 8, 3)).astype(np.float32)
    matte = rng.random((8, 8)).astype(np.float32)
    placed = proxies.at_level(gain, hint, matte)
    np.testing.assert_allclose(placed - gain, np.full_like(gain, (placed - gain)[0, 0, 0]), atol=1e-6)
    np.testing.assert_allclose(proxies.at_level(placed, hint, matte), placed, atol=1e-5)
    assert abs((placed - hint)[..., 0].mean()) < 1.0


def test_an_unchanged_picture_is_no_change_of_light():
    shown = np.random.default_rng(0).random((4, 4, 3))
    assert not proxies.log_gain(shown, shown).any()


def test_the_temporal_prior_stills_flicker_and_keeps_what_stays():
    source = torch.zeros(8, 3, 4, 4)
    prior = TemporalPrior(source, lambda x: x, lambda x: x)
    flicker = torch.tensor([0.2, -0.2] * 4)[:, None, None, None].expand_as(source)
    relit = 0.7 + flicker
    made = fuse_light(
        source,
        prior,
        lambda clip: relit,
        video_course("wan", 50, 25, {"shift": 1.0}),
        schedule(25, 1, 0.15),
        clip_noise(0),
    )
    assert made.mean().item() > 0.4  # the method fuses less and less, so not all of the new light arrives
    assert (made[1:] - made[:-1]).abs().mean() < 0.5 * (relit[1:] - relit[:-1]).abs().mean()


@pytest.mark.golden
@pytest.mark.parametrize("variant", ["fc", "fbc"])
def test_ic_light_from_the_folder_is_the_authors(models, variant):
    backbone = ICLightFrames(given(models, "ic-light", ic_light=variant), "cpu")
    backbone._load()
    g = numbers(f"iclight_{variant}")
    with torch.inference_mode():
        ours = backbone._model.unet_output(
            g["latents"], g["timestep"], g["concat_conds"], Text(g["positive"], g["negative"])
        )
    assert error(ours, g["unet_output"]) <= 1e-4
    for key, tensor in under(f"iclight_{variant}", "merged").items():
        assert torch.equal(backbone._model.unet.state_dict()[key], tensor)


@pytest.mark.golden
def test_relightvid_from_the_folder_is_the_authors(models):
    backbone = RelightVidShot(given(models, "relightvid"), "cpu")
    backbone._load()
    g = numbers("relightvid_unet")
    with torch.inference_mode():
        ours = backbone._model.run(g["sample"], g["case0.timestep"], g["encoder_hidden_states"])
    assert error(ours, g["case0.output"]) <= 1e-4


@pytest.mark.golden
def test_the_relighter_of_light_a_video_from_the_folder_is_the_authors(models):
    backbone = LightAVideo(given(models, "light-a-video", video_model="smooth"), "cpu")
    backbone._load()
    g, n = numbers("lav_relighter"), notes("lav_relighter")
    light = pixels.to_tensor(pixels.gradient(n["light"].lower(), n["width"], n["height"])[None])
    relighter = ClipRelighter(
        backbone._model, Text(g["conds"], g["unconds"]), stored(g["start_noise"], g["step_noise"]), n["gamma"], light
    )
    with torch.inference_mode():
        assert error(relighter.latents(g["video"]), g["latents"][-1]) <= 1e-3


def test_a_window_longer_than_the_adapter_counts_is_refused(tmp_path):
    folder = write_models(tmp_path)
    config = folder / ADAPTER / "config.json"
    config.write_text(config.read_text().replace('"motion_max_seq_length": 32', '"motion_max_seq_length": 24'))
    with pytest.raises(UsageError, match="counts 24 frames; give --window 24 or less"):
        load(given(folder, "light-a-video", window=28))


def test_a_clip_longer_than_the_window_is_seen_in_overlapping_ones(models):
    backbone = LightAVideo(given(models, "light-a-video", window=4, overlap=2), "cpu")
    backbone._load()
    sample = clip_noise(1)(0, (1, 4, 6, 8, 8))
    t = torch.tensor(500)
    with torch.inference_mode():
        whole = backbone._video.predict(sample, t, 0)
        first, last = (backbone._video.predict(sample[:, :, part], t, 0) for part in (slice(0, 4), slice(2, 6)))
    assert whole.shape == sample.shape
    assert error(whole[:, :, :2], first[:, :, :2]) < 1e-5
    assert error(whole[:, :, 4:], last[:, :, 2:]) < 1e-5
    assert error(whole[:, :, 2], (2 * first[:, :, 2] + last[:, :, 0]) / 3) < 1e-5


def test_in_a_video_model_the_level_of_our_own_light_stays(models, monkeypatch):
    """Of networks that know no level the gain is brought to the hint's; ours knows what its shadows take away."""
    seen = [conditions(tables(environment((1.0, 0.0, 0.0))), tables(environment((-1.0, 0.5, 0.0))))] * 2
    network = load(given(models, "light-a-video", image_relighter="relamp"))
    level = {}
    for factor in (1.0, 0.5):
        pair = Pair(torch.full((2, 3, 64, 64), 2 * 0.5 * factor - 1), torch.zeros(2, 3, 64, 64))
        monkeypatch.setattr(network, "_relit", lambda *_, pair=pair: pair)
        level[factor] = network.relight(seen, frames=[1, 2])[0]
    apart = [(a.hint + a.residual).mean() for a in level.values()]
    assert apart[0] - apart[1] > 0.3


def test_our_own_light_in_a_clip_is_the_relighters_answer():
    seen = [conditions(target=tables(environment(toward))) for toward in ((1.0, 0.0, 0.0), (-1.0, 0.5, 0.0))]
    own = RelightParameters(
        backbone="light-a-video", image_relighter="relamp", video_model="smooth", clip_mode="alone", device="cpu"
    )
    clip, alone = (network.relight(seen, frames=[1, 2]) for network in (load(own), Relamp()))
    for one, other in zip(clip, alone, strict=True):
        np.testing.assert_allclose(one.residual, other.residual, atol=1e-5)
        np.testing.assert_allclose(one.normals, other.normals, atol=1e-5)
