"""Movies as plates and mattes: frames by number, in any order, from any thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.pictures import exr, movie
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.sequence import Sequence
from shots import QUICK_OPTIONS, layer, read_exr, soft_light, write_exr

FRAMES = 10


def write_movie(path: Path, codec: str = "libx264", pixels: str = "yuv444p") -> Path:
    """Ten frames of 64 x 48, 24 a second, each of another grey of full size, in BT.709."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        if codec == "libx264":
            stream.options = {"crf": "4", "g": "4", "bf": "2"}  # frames that depend on later ones
        for index in range(FRAMES):
            picture = np.full((48, 64, 3), grey_of(index + 1), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def grey_of(frame: int) -> int:
    return 40 + 20 * frame


def rec709_decoded(code: float) -> float:
    """ITU-R BT.709-6, item 1.2, of a code above the straight part."""
    return ((code + 0.099) / 1.099) ** (1 / 0.45)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"), [("a.mp4", "libx264", "yuv420p"), ("a.mov", "prores_ks", "yuv422p10le")]
)
def test_every_frame_of_a_movie_is_found_by_its_number_in_any_order(tmp_path, name, codec, pixels):
    sequence = Sequence.parse(write_movie(tmp_path / name, codec, pixels))
    assert sequence.frames_on_disk() == tuple(range(1, FRAMES + 1))
    assert not sequence.is_still
    assert sequence.name == "a"
    for frame in (1, 2, 7, 3, 10, 9, 1, 4, 5, 6, 8):
        rgb = exr.read_frame(sequence.path(frame), colour=Colour()).rgb
        np.testing.assert_allclose(rgb, rec709_decoded(grey_of(frame) / 255), rtol=0.06)


def test_threads_that_share_a_movie_get_their_own_frames(tmp_path):
    sequence = Sequence.parse(write_movie(tmp_path / "a.mp4"))
    colour = Colour()
    wanted = [1 + 7 * i % FRAMES for i in range(30)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda frame: exr.read_frame(sequence.path(frame), colour=colour).rgb.mean(), wanted))
    np.testing.assert_allclose(found, [rec709_decoded(grey_of(frame) / 255) for frame in wanted], rtol=0.06)


def test_a_movie_is_relit_frame_by_frame_and_its_header_keeps_the_rate(tmp_path):
    plate = write_movie(tmp_path / "shot.mp4")
    env = str(write_exr(tmp_path / "env.exr", soft_light((0, 0, 1)), ("R", "G", "B")))
    out = tmp_path / "out" / "relit.####.exr"
    lights = ["--env", env, "--source-env", env, "--env-exposure", "1"]
    assert main(["render", str(plate), *lights, "--out", str(out), "-F", "3-4", "-q", *QUICK_OPTIONS]) == 0
    for frame in (3, 4):
        path = tmp_path / "out" / f"relit.{frame:04d}.exr"
        expected = 2 * rec709_decoded(grey_of(frame) / 255)
        np.testing.assert_allclose(layer(path, "R", "G", "B"), expected, rtol=0.06)
    assert read_exr(path)[1].getattribute("framesPerSecond") == (24, 1)
    assert (
        main(["render", str(plate), *lights, "--out", str(out), "-F", "3-4", "-q", *QUICK_OPTIONS, "--skip-existing"])
        == 0
    )


def test_info_of_a_movie_tells_its_frames_its_rate_and_its_colour_space(tmp_path, capsys):
    assert main(["info", str(write_movie(tmp_path / "a.mp4"))]) == 0
    said = capsys.readouterr().out
    for words in ("frames 1-10 (10)", "a.mp4 frame 1: movie", "64x48", "Camera Rec.709", "frames per second: 24"):
        assert words in said


def test_a_movie_written_anew_is_another_plate(tmp_path):
    path = write_movie(tmp_path / "a.mp4")
    before = Sequence.parse(path).frames_on_disk()
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        for packet in (*stream.encode(av.VideoFrame(64, 48, "yuv420p")), *stream.encode()):
            file.mux(packet)
    assert (len(before), len(Sequence.parse(path).frames_on_disk())) == (FRAMES, 1)


@pytest.mark.parametrize(("content", "words"), [(b"no movie", "cannot be decoded"), (b"", "cannot be decoded")])
def test_a_file_that_is_no_movie_is_refused_in_a_sentence(tmp_path, content, words):
    path = tmp_path / "a.mov"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        Sequence.parse(path).frames_on_disk()


def test_a_movie_cut_short_is_refused_in_a_sentence(tmp_path, capsys):
    path = write_movie(tmp_path / "a.mov", "prores_ks", "yuv422p10le")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    env = str(write_exr(tmp_path / "env.exr", soft_light((0, 0, 1)), ("R", "G", "B")))
    assert main(["render", str(path), "--env", env, "--out", str(tmp_path / "o.####.exr"), "-q", *QUICK_OPTIONS]) == 4
    assert "copy or export the movie again" in capsys.readouterr().err


def test_a_frame_beyond_the_end_of_a_movie_is_refused_with_those_that_are_there(tmp_path, capsys):
    path = write_movie(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"has frames 1-10, and frame 11 was asked for"):
        movie.MovieFrame(path, 11)
    env = str(write_exr(tmp_path / "env.exr", soft_light((0, 0, 1)), ("R", "G", "B")))
    assert (
        main(["render", str(path), "--env", env, "--out", str(tmp_path / "o.####.exr"), "-F", "9-12", *QUICK_OPTIONS])
        == 4
    )
    assert "11-12" in capsys.readouterr().err


def test_without_pyav_a_movie_is_refused_with_what_to_install(tmp_path, monkeypatch, capsys):
    path = write_movie(tmp_path / "a.mp4")
    movie._open.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert main(["render", str(path), "--env", "e.exr", "--out", str(tmp_path / "o.####.exr"), "-q"]) == 2
    assert (
        "reading a.mp4 needs PyAV, which is not installed here: pip install 'relamp[movies]'" in capsys.readouterr().err
    )


def test_a_matte_of_another_size_than_the_movie_is_refused_with_the_name_of_a_frame(tmp_path, capsys):
    plate = write_movie(tmp_path / "a.mp4")
    matte = str(write_exr(tmp_path / "m.exr", np.ones((8, 8, 1), np.float32), ("A",)))
    env = str(write_exr(tmp_path / "env.exr", soft_light((0, 0, 1)), ("R", "G", "B")))
    out = str(tmp_path / "o.####.exr")
    assert (
        main(["render", str(plate), "--matte", matte, "--env", env, "--out", out, "-F", "2", "-q", *QUICK_OPTIONS]) == 4
    )
    assert "the plate a.mp4 frame 1 is 64x48" in capsys.readouterr().err
