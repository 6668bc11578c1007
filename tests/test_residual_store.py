from pathlib import Path

import numpy as np
import pytest

from relamp.core.frames import parse_frames
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.relighter.answer import Answer
from relamp.core.shot import render as loop
from relamp.core.shot.prepare import prepare
from relamp.core.temporal.residual_store import ResidualStore
from shots import layer


def answer(seed, **more):
    pixels = np.random.default_rng(seed).random((6, 5, 3)).astype(np.float32)
    return Answer(residual=pixels, hint=-pixels, normals=pixels * 2, **more)


@pytest.fixture
def store(tmp_path):
    return ResidualStore.beside(tmp_path / "out", "relit")


def never():
    raise AssertionError("asked although it is kept")


def test_what_is_kept_comes_back_bit_for_bit_and_is_asked_once(store):
    made = [answer(1, confidence=np.full((6, 5), 0.5, np.float32)), answer(2)]
    assert store.answers("a", lambda: made, Answer) == made
    back = ResidualStore(store.folder).answers("a", never, Answer)  # another chunk, another process
    for one, other in zip(made, back, strict=True):
        for name in ("residual", "hint", "normals", "confidence"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None and b is None) or a.tobytes() == b.tobytes()


def test_another_fingerprint_is_another_answer(store):
    store.answers("a", lambda: [answer(1)], Answer)
    (other,) = store.answers("b", lambda: [answer(2)], Answer)
    np.testing.assert_array_equal(other.residual, answer(2).residual)


@pytest.mark.parametrize("damage", [b"", b"not residuals", None])
def test_a_damaged_file_counts_as_none(store, damage):
    store.answers("a", lambda: [answer(1)], Answer)
    (file,) = store.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-7] if damage is None else damage)
    store.answers("a", lambda: [answer(3)], Answer)
    (back,) = ResidualStore(store.folder).answers("a", never, Answer)
    np.testing.assert_array_equal(back.residual, answer(3).residual)


def test_a_store_that_cannot_be_written_is_no_reason_to_fail(tmp_path, caplog):
    (tmp_path / "out").write_text("a file where the folder should be")
    store = ResidualStore.beside(tmp_path / "out", "relit")
    for _ in range(2):
        assert store.answers("a", lambda: [answer(1)], Answer)
    assert caplog.text.count("residuals are not kept") == 1


def test_it_goes_when_the_job_is_whole(store, tmp_path):
    store.answers("a", lambda: [answer(1)], Answer)
    frames = [tmp_path / "out" / f"relit.{frame}.exr" for frame in (1, 2)]
    frames[0].touch()
    store.remove_when_whole(frames)
    assert store.folder.is_dir()
    frames[1].touch()
    store.remove_when_whole(frames)
    assert not store.folder.exists()


def test_chunks_that_share_residuals_ask_less_and_give_the_same_bits(shot):
    whole = render(shot, "whole", "1001-1004")
    store = ResidualStore.beside(shot.folder / "cut", "relit")
    cut = render(shot, "cut", "1001-1002", store) | render(shot, "cut", "1003-1004", store)
    assert (store.misses, store.hits) == (4, 4)  # the head looks three frames to both sides: each chunk needs all four
    assert {frame: pixels.tobytes() for frame, pixels in cut.items()} == {f: p.tobytes() for f, p in whole.items()}


def render(shot, folder, frames, store=None):
    """The frames of a chunk through Relamp's own network and the head, (H, W, 4) by number."""
    out = shot.folder / folder / "relit.####.exr"
    chosen = RelightParameters(
        plate=shot.plate, env=shot.env_b, source_env=shot.env_a, out=str(out), frames=frames, backbone="relamp",
        working_size=64, deflicker=True, threads=1,
    )  # fmt: skip
    loop.render(prepare(RelightJob(chosen)), store=store)
    numbers = parse_frames(frames)
    return {number: layer(Path(str(out).replace("####", str(number))), *"RGBA") for number in numbers}
