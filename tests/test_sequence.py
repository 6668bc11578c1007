"""Sequences: which files a path pattern stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from relamp.core.errors import InputError, UsageError
from relamp.core.pictures.sequence import Sequence, sequences_in, shot_name
from relamp.core.shot.inspect import as_pattern


@pytest.fixture
def shot(tmp_path):
    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).touch()
        return tmp_path

    return make


@pytest.mark.parametrize("pattern", ["shot.####.exr", "shot.%04d.exr", "shot.$F4.exr", "shot.@@@@.exr"])
def test_every_way_of_writing_four_digits_is_the_same_sequence(shot, pattern):
    folder = shot("shot.1001.exr", "shot.1003.exr", "shot.0007.exr", "shot.10000.exr", "shot.-005.exr")
    sequence = Sequence.parse(folder / pattern)
    assert not sequence.is_still
    assert sequence.frames_on_disk() == (-5, 7, 1001, 1003, 10000)
    assert sequence.path(8) == folder / "shot.0008.exr"
    assert sequence.path(-5) == folder / "shot.-005.exr"


def test_one_hash_is_one_digit_and_not_four(shot):
    folder = shot("a.1.exr", "a.12.exr", "a.0001.exr")
    assert Sequence.parse(folder / "a.#.exr").frames_on_disk() == (1, 12)
    assert Sequence.parse(folder / "a.%d.exr").frames_on_disk() == (1, 12)


def test_other_padding_other_names_and_temporary_files_are_not_frames(shot):
    folder = shot(
        "a.0001.exr", "a.1.exr", "a.00001.exr", "ab.0002.exr", "a.0003.png", ".a.0004.exr.host.1.tmp", "a.x.exr"
    )
    assert Sequence.parse(folder / "a.####.exr").frames_on_disk() == (1,)


@pytest.mark.parametrize("base", ["a-", "a,b.", "a b [1].", "shot1001.", "shot1001-1010.", "v", ""])
def test_odd_names_do_not_confuse_the_frame_number(shot, base):
    folder = shot(f"{base}0005.exr", f"{base}1001.exr")
    sequence = Sequence.parse(folder / f"{base}####.exr")
    assert sequence.frames_on_disk() == (5, 1001)
    assert sequence.path(5) == folder / f"{base}0005.exr"


def test_folders_may_hold_what_looks_like_a_token(tmp_path):
    folder = tmp_path / "100%done [x] ##"
    folder.mkdir()
    (folder / "a.0001.exr").touch()
    assert Sequence.parse(folder / "a.####.exr").frames_on_disk() == (1,)
    assert Sequence.parse(folder / "a.0001.exr").is_still


def test_missing_frames_are_those_without_a_file(shot):
    sequence = Sequence.parse(shot("s.1001.exr", "s.1003.exr") / "s.####.exr")
    assert sequence.missing(range(1000, 1005)) == (1000, 1002, 1004)


def test_a_still_answers_every_frame_with_the_same_file(shot):
    still = Sequence.parse(shot("studio.exr") / "studio.exr")
    assert still.is_still
    assert still.path(1001) == still.path(-7)
    assert still.frames_on_disk() == (1,)
    assert still.missing([1, 2, 3]) == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("shot.1001.exr", 1001),
        ("shot_0042.exr", 42),
        ("1001.exr", 1001),
        ("shot.-005.exr", -5),
        ("shot.1001_v2.exr", 1001),
        ("shot.1001-beauty.exr", 1001),
        ("shot.1001.v003.exr", 1001),
        ("shot.1001.1002.exr", 1002),
        ("plate.2048x1556.exr", None),
        ("shot_010_v2.exr", None),
        ("v2.exr", None),
        ("a1.b.exr", None),
    ],
)
def test_one_numbered_file_stands_for_its_own_frame(shot, name, number):
    still = Sequence.parse(shot(name) / name)
    assert still.is_still
    assert still.number == number
    assert still.frames_on_disk() == (1 if number is None else number,)


def test_frames_of_a_shot_share_one_name(shot):
    folder = shot("a.1001_v2.exr", "a.1002_v2.exr")
    assert {shot_name(path) for path in folder.iterdir()} == {"a.####_v2.exr"}
    assert {Sequence.parse(path).name for path in folder.iterdir()} == {Sequence.parse(folder / "a.####_v2.exr").name}


def test_nothing_there_says_what_lies_beside_it(shot):
    folder = shot("plate.001.exr", "plate.002.exr", "other.exr")
    with pytest.raises(
        InputError, match=r"plate\.####\.exr matches no file; beside it: plate\.###\.exr \(1-2\), other\.exr"
    ):
        Sequence.parse(folder / "plate.####.exr").frames_on_disk()
    with pytest.raises(InputError, match=r"plate\.exr does not exist; beside it"):
        Sequence.parse(folder / "plate.exr").frames_on_disk()
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        Sequence.parse(folder / "nowhere" / "plate.####.exr").frames_on_disk()


def test_a_folder_is_named_as_one_with_what_it_holds(shot, tmp_path):
    folder = shot("plate.1001.exr", "plate.1002.exr")
    said = rf"{folder} is a folder \(it holds plate\.####\.exr \(1001-1002\)\); .* as in {folder}/plate\.####\.exr"
    with pytest.raises(InputError, match=said):
        Sequence.parse(folder).frames_on_disk()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"is a folder \(it holds no pictures\); .* as in .*empty/shot\.####\.exr"):
        Sequence.parse(empty).frames_on_disk()


@pytest.mark.parametrize(
    "tail", ["_v2.exr", "-beauty.exr", ".v003.exr", "-2.exr", "_left 01.exr", "x.exr", ".1001.exr"]
)
def test_what_stands_behind_the_frame_is_part_of_the_name(shot, tail):
    folder = shot(f"shot.1001{tail}", f"shot.1002{tail}", "shot.1003.exr")
    sequence = Sequence.parse(folder / f"shot.####{tail}")
    assert sequence.frames_on_disk() == (1001, 1002)
    assert sequence.path(7) == folder / f"shot.0007{tail}"
    assert sequence.name == "shot"


@pytest.mark.parametrize("name", ["sky@2x.exr", "sky#1.exr", "50%day.exr", "a##b@@.exr", "pay$F4.exr", "100%V.exr"])
def test_a_file_that_is_there_is_found_by_its_own_name(shot, name):
    still = Sequence.parse(shot(name) / name)
    assert still.is_still
    assert still.path(5).name == name
    assert still.missing([1, 2]) == ()


@pytest.mark.parametrize(
    ("there", "pattern"),
    [
        (("s.1001.exr", "s.1002.exr"), "s.####.exr"),
        (("s.1001_v2.exr", "s.1002_v2.exr"), "s.####_v2.exr"),
        (("sh_010.1001-beauty.exr", "sh_010.1002-beauty.exr", "sh_020.1001-beauty.exr"), "sh_010.####-beauty.exr"),
        (("s.1001.exr", "s.10002.exr"), "s.1001.exr"),
    ],
)
def test_a_frame_is_given_back_as_the_sequence_it_belongs_to(shot, there, pattern):
    folder = shot(*there)
    assert as_pattern(str(folder / there[0])) == str(folder / pattern)


def test_views_are_filled_in(tmp_path):
    assert Sequence.parse(tmp_path / "%V" / "a_%v.####.exr", view="left").path(1) == tmp_path / "left" / "a_l.0001.exr"
    with pytest.raises(UsageError, match="--views"):
        Sequence.parse("a_%V.####.exr")


def test_two_frame_tokens_are_refused():
    with pytest.raises(UsageError, match="it holds 2"):
        Sequence.parse("a.####.%04d.exr")


def test_a_folder_lists_sequences_with_text_behind_the_frame(shot):
    folder = shot("a.1001_v2.exr", "a.1002_v2.exr", "b.0001.exr", "b.0002.exr", "c_v2.exr", "d.1001_v2.exr")
    expected = {"a.####_v2.exr": "1001-1002", "b.####.exr": "1-2", "c_v2.exr": "", "d.1001_v2.exr": ""}
    assert sequences_in(folder) == expected
