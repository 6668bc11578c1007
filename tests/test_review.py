"""`--review`: plate and relight side by side, read back from what was delivered."""

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.cli import main
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.screen import Screen
from relamp.core.shot import review
from shots import QUICK_OPTIONS, layer

FRAMES = 3


def arguments(shot, *more):
    lights = ["--env", shot.env_b, "--source-env", shot.env_a]
    return ["render", shot.plate, *lights, "--out", shot.out, "-q", *QUICK_OPTIONS, *map(str, more)]


def shown(path):
    """A frame as a screen shows it, (H, W, 3) uint8."""
    return Screen(Colour()).encode(layer(path, "R", "G", "B"))[..., :3]


def png(path):
    return oiio.ImageBuf(str(path)).get_pixels("uint8")


def test_the_sheet_shows_plate_and_relight_of_each_frame_in_display_colours(shot, monkeypatch):
    monkeypatch.setattr(review, "TEXT", 6)  # px, letters that fit under pictures as small as these
    sheet = shot.folder / "sheet.png"
    assert main(arguments(shot, "-F", "1001-1003", "--review", sheet)) == 0
    picture = png(sheet)
    height, width = shown(shot.out_frame(1001)).shape[:2]
    rows = np.split(picture, FRAMES)
    for frame, row in zip(range(1001, 1004), rows, strict=True):
        np.testing.assert_array_equal(row[:height, :width], shown(shot.plate_frame(frame)))
        np.testing.assert_array_equal(row[:height, width + review.GAP :], shown(shot.out_frame(frame)))
    strips = [row[height:] for row in rows]
    assert all(strip.max() > 80 for strip in strips)  # letters
    assert not np.array_equal(strips[0], strips[1])  # the number of the frame


@pytest.mark.parametrize("extension", ["mp4", "mov"])
def test_the_movie_has_a_picture_for_every_frame_at_the_plates_rate(shot, extension):
    movie = shot.folder / f"review.{extension}"
    assert main(arguments(shot, "-F", "1001-1003", "--review", movie)) == 0
    with av.open(str(movie)) as file:
        stream = file.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        assert stream.average_rate == 24
    assert len(pictures) == FRAMES
    height, width = shown(shot.out_frame(1001)).shape[:2]
    for frame, picture in zip(range(1001, 1004), pictures, strict=True):
        for half, path in ((picture[:, :width], shot.plate_frame(frame)), (picture[:, -width:], shot.out_frame(frame))):
            difference = half[:height].astype(float) - shown(path)
            assert abs(difference).mean() < 4, path  # of 255: what 4:2:0 and compression leave


def test_the_settings_are_written_in_words(shot, monkeypatch):
    said = []
    monkeypatch.setattr(review, "_strip", lambda width, plan, task, relit: (
        said.append(review._settings(plan, task)), np.zeros((review.BAND, width, 3), np.uint8))[1])  # fmt: skip
    more = ("--env-rotate", "1001=0,0,0;1003=0,91,0", "--env-exposure", "1", "--mix", "0.5")
    assert main(arguments(shot, "-F", "1001-1002", "--review", shot.folder / "s.png", *more)) == 0
    assert said == [
        "light: b.exr   +1 stop   mix 0.5   ratio",
        "light: b.exr   turned 0, 45.5, 0 deg   +1 stop   mix 0.5   ratio",
    ]


def test_a_review_that_cannot_be_written_is_refused_before_anything_is_rendered(shot, capsys):
    (shot.folder / "there.png").write_bytes(b"somebody's")
    for name, words in (("r.avi", "must end in .mp4 or .mov"), ("there.png", "is already there")):
        assert main(arguments(shot, "--review", shot.folder / name)) == 2
        assert words in capsys.readouterr().err
    assert not shot.out_frame(1001).exists()
    assert (shot.folder / "there.png").read_bytes() == b"somebody's"


def test_a_review_whose_folder_cannot_be_made_is_refused_before_the_render(shot, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(arguments(shot, "--review", tmp_path / "file" / "sheet.png")) == 6
    assert "nothing can be written in" in capsys.readouterr().err
    assert not shot.out_frame(1001).exists()
