import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from relamp.core.errors import InputError, OutputError, RelampError, StoppedError, UsageError
from relamp.core.rpc import Client, read_message, write_message
from shots import QUICK, Shot, layer, soft_light, write_exr
from wait import wait_until


@pytest.fixture(scope="module")
def client():
    """One real worker for the module: it is meant to be long-lived."""
    found = Client(sys.executable)
    yield found
    found.close()


def job_of(shot: Shot, **parameters: object) -> dict[str, object]:
    values = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, **QUICK, **parameters}
    return {"schema": "relamp.job/1", "parameters": values}


def preview(client: Client, shot: Shot, stage: str = "relit", frame: int = 1001, size: int = 48, **parameters: object):
    """Pixels (h, w, 3), 0 to 255 as int, of one preview."""
    params = {"job": job_of(shot, **parameters), "stage": stage, "frame": frame, "size": size}
    reply = client.call("preview", params).result(60)
    shape = (reply.result["height"], reply.result["width"], 4)
    return np.frombuffer(reply.attachment, np.uint8).reshape(shape)[..., :3].astype(int)


def test_the_light_comes_from_the_side_it_is_turned_to(client, shot):
    left = preview(client, shot)  # env_b has its light at -X, the camera's left
    right = preview(client, shot, env_rotate=[0, 180, 0])
    half = left.shape[1] // 2
    assert left[:, :half].mean() > 1.3 * left[:, half:].mean()
    assert right[:, half:].mean() > 1.3 * right[:, :half].mean()


def test_a_preview_at_full_size_is_what_a_render_writes(client, shot):
    network = {"backbone": "relamp", "shadows": 1.0, "grain": "off"}
    client.call("render", {"job": job_of(shot, out=shot.out, frames="1001", **network)}).result(60)
    rendered = layer(shot.out_frame(1001), "R", "G", "B")
    preview(client, shot, size=0, **network)
    for x, y in ((0.3, 0.5), (0.5, 0.4), (0.7, 0.6)):
        seen = client.call("values", {"name": "relit", "x": x, "y": y}).result(60).result["values"]
        row, column = int(y * 48), int(x * 48)
        np.testing.assert_allclose([float(v) for v in seen], rendered[row, column], rtol=2e-3, atol=1e-4)


def test_the_same_light_shows_the_plate_itself(client, shot):
    same = preview(client, shot, env=shot.env_a)
    assert np.abs(same - preview(client, shot, "plate")).max() <= 1


@pytest.mark.parametrize("stage", ["plate", "proxy", "normals", "hint", "ratio", "relit"])
def test_every_stage_has_a_picture_of_the_size_asked_for(client, shot, stage):
    pixels = preview(client, shot, stage, size=24)
    assert pixels.shape == (24, 24, 3)
    assert pixels[10:14, 10:14].min() > 0
    assert pixels.std() > 5


def test_a_cropped_plate_is_shown_in_its_format(client, tmp_path, shot):
    plate = tmp_path / "cropped.exr"
    size = {"full_width": 40, "full_height": 20, "full_x": -10, "full_y": -4}
    write_crop(plate, np.ones((8, 10, 3), np.float32), size)
    reply = client.call("preview", {"job": job_of(shot, plate=str(plate)), "stage": "plate", "size": 0}).result(60)
    pixels = np.frombuffer(reply.attachment, np.uint8).reshape(20, 40, 4)[..., 0]
    assert (pixels[4:12, 10:20] > 100).all()
    assert pixels.astype(int).sum() == pixels[4:12, 10:20].astype(int).sum()


def write_crop(path: Path, pixels: np.ndarray, windows: dict[str, int]) -> None:
    import OpenImageIO as oiio

    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "half")
    for name, value in windows.items():
        setattr(spec, name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), spec)
    assert out.write_image(pixels)
    out.close()


def test_an_environment_that_changes_on_disk_is_read_again(client, shot):
    before = preview(client, shot)
    write_exr(Path(shot.env_b), soft_light((1.0, 0.2, 0.1), height=64), ("R", "G", "B"))
    after = preview(client, shot)
    half = before.shape[1] // 2
    assert before[:, :half].mean() > before[:, half:].mean()
    assert after[:, :half].mean() < after[:, half:].mean()


def test_an_environment_deleted_while_open_is_a_sentence(client, shot):
    preview(client, shot)
    os.remove(shot.env_b)
    with pytest.raises(InputError, match=r"b\.exr"):
        preview(client, shot)


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("nonsense", {}, "no method"),
        ("preview", {}, "job"),
        ("preview", {"job": 3}, "job"),
        ("preview", {"job": {"schema": "relamp.job/1", "parameters": {"steps; import os": 1}}}, "does not know"),
        ("preview", {"job": {"schema": "relamp.job/1", "parameters": {"plate": 7}}}, "plate must be text"),
        ("preview", {"job": {"schema": "relamp.job/1"}, "stage": "__class__"}, "stage must be one of"),
        ("preview", {"job": {"schema": "relamp.job/1"}, "size": "big"}, "size must be a number"),
        ("balls", {"job": {"schema": "relamp.job/1"}}, "what the new light is"),
        ("__init__", {}, "no method"),
        ("inspect", {"name": "plate", "path": "/nowhere/p.####.exr"}, "nowhere"),
    ],
)
def test_bad_requests_are_sentences(client, method, params, words):
    with pytest.raises(RelampError, match=words):
        client.call(method, params).result(60)


def test_bytes_that_are_no_message_do_not_end_the_worker():
    with subprocess.Popen(
        [sys.executable, "-m", "relamp.core.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"__import__('os').system('x')\nrelamp 2 0\n[]relamp 7 0\n{\"a\":1}")
        write_message(process.stdin, {"id": 1, "method": "status"})
        write_message(process.stdin, {"id": 2, "method": "status", "params": [1]})
        process.stdin.flush()
        said = []
        while not any(body.get("id") == 2 for body in said):
            message = read_message(process.stdout)
            assert message is not None
            said.append(message.body)
        assert [body["error"]["code"] for body in said if "error" in body] == [-32700, -32700, -32600, -32602]
        assert any(body.get("id") == 1 and "memory" in body["result"] for body in said)
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_text_file_named_exr_is_a_sentence(client, shot, tmp_path):
    (tmp_path / "notes.exr").write_text("shopping list")
    for name in ("plate", "env"):
        with pytest.raises(InputError, match=r"notes\.exr"):
            client.call("inspect", {"name": name, "path": str(tmp_path / "notes.exr")}).result(60)


def test_an_input_says_what_it_holds(client, shot):
    os.remove(shot.plate_frame(1003))
    found = client.call("inspect", {"name": "plate", "path": str(shot.plate_frame(1001))}).result(60).result
    assert found["pattern"] == shot.plate
    assert found["sentence"] == "1001-1002,1004, missing 1003, 48 x 48, half, ACEScg"


def test_balls_and_environment_show_the_light(client, shot):
    balls = client.call("balls", {"job": job_of(shot), "size": 32}).result(60)
    pixels = np.frombuffer(balls.attachment, np.uint8).reshape(32, 64, 4).astype(int)
    assert pixels[16, 4:14, 0].mean() > pixels[16, 18:28, 0].mean()  # the grey ball's left is lit
    assert pixels[0, 0, 3] == 0
    sky = client.call("environment", {"job": job_of(shot)}).result(60)
    assert len(sky.attachment) == 512 * 256 * 4
    assert sky.result["lamps"][0]["u"] == pytest.approx(0.75, abs=0.05)  # -X is at three quarters


def test_a_render_tells_every_frame_and_where_they_are(client, shot):
    told = []
    job = job_of(shot, out=shot.out)
    reply = client.call("render", {"job": job}, on_progress=told.append).result(60)
    assert [event["frame"] for event in told] == [1001, 1002, 1003, 1004]
    assert told[-1]["total"] == 4
    assert reply.result == {"written": [1001, 1002, 1003, 1004], "kept": [], "out": [shot.out]}
    with pytest.raises(UsageError, match="already there"):
        client.call("render", {"job": job}).result(60)


def test_a_render_that_cannot_write_says_so(client, shot):
    target = shot.folder / "file"
    target.write_text("")
    with pytest.raises(OutputError, match="file"):
        client.call("render", {"job": job_of(shot, out=str(target / "r.####.exr"))}).result(60)


def test_a_cancelled_render_keeps_its_frames_and_the_queue_goes_on(client, tmp_path):
    shot = Shot(tmp_path / "long", size=160, frames=40)
    told = []
    long = client.call("render", {"job": job_of(shot, out=shot.out, threads=1)}, on_progress=told.append)
    other = client.call("render", {"job": job_of(shot, out=str(tmp_path / "o.####.exr"), frames="1001")})
    wait_until(lambda: told)
    waiting = client.call("queue").result(60).result["requests"]
    assert [request["id"] for request in waiting] == [long.id, other.id]
    client.cancel(long)
    with pytest.raises(StoppedError, match="still missing"):
        long.result(60)
    assert 0 < len(told) < 40
    assert len(list((tmp_path / "long" / "out").glob("*.exr"))) == len(told)
    assert other.result(60).result["written"] == [1001]


def test_a_worker_killed_while_rendering_finishes_the_render(tmp_path):
    shot = Shot(tmp_path / "shot", size=160, frames=24)
    said, told = [], []
    client = Client(sys.executable, on_notice=said.append)
    try:
        call = client.call("render", {"job": job_of(shot, out=shot.out, threads=1)}, on_progress=told.append)
        wait_until(lambda: len(told) >= 2)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        result = call.result(120).result
        assert sorted(result["written"] + result["kept"]) == list(range(1001, 1025))
        assert result["kept"]
        assert "killed" in said[0]
    finally:
        client.close()


def test_the_worker_ends_when_nobody_is_left_to_hear_it():
    process = subprocess.Popen(
        [sys.executable, "-m", "relamp.core.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    read_message(process.stdout)
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()


def test_the_views_of_the_colour_config_are_listed_and_looked_through(client, shot):
    found = client.call("displays").result(60).result
    assert found["working_space"] == "ACEScg"
    assert "ACEScct" in found["spaces"]
    display = next(entry for entry in found["displays"] if "Raw" in entry["views"])
    params = {"job": job_of(shot), "stage": "plate", "frame": 1001, "size": 48}
    by_default = client.call("preview", params).result(60).attachment
    listed = {"display": found["displays"][0]["name"], "view": found["displays"][0]["views"][0]}
    assert client.call("preview", {**params, **listed}).result(60).attachment == by_default
    raw = client.call("preview", {**params, "display": display["name"], "view": "Raw"}).result(60).attachment
    assert raw != by_default
    linear = layer(shot.plate_frame(1001), "R", "G", "B")
    coded = np.frombuffer(raw, np.uint8).reshape(48, 48, 4)[..., :3]
    assert np.abs(coded - 255 * np.clip(linear, 0, 1)).max() <= 4  # a table of 65 steps, for looking


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"view": "Sunglasses"}, "no view 'Sunglasses'"),
        ({"display": 7}, "display must be text"),
        ({"dim": "all"}, "dim must be a list"),
        ({"dim": [1, "x"]}, r"dim\[1\] must be a number"),
    ],
)
def test_a_view_there_is_not_is_a_sentence(client, shot, more, words):
    with pytest.raises(UsageError, match=words):
        client.call("preview", {"job": job_of(shot), "frame": 1001, "size": 48, **more}).result(60)
