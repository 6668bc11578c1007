import io
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from relamp.core import launch
from relamp.core.errors import DeviceError, InputError, RelampError, StoppedError, UsageError
from relamp.core.rpc import BadMessageError, Client, read_message, write_message
from wait import wait_until

# Answers "echo"; "hold" waits for the next message first; "die" ends the process the hard way.
FAKE = """#!{python}
import os, sys
from relamp.core.rpc import PROTOCOL, read_message, write_message
out, inp = sys.stdout.buffer, sys.stdin.buffer
write_message(out, {{"method": "ready", "params": {{"version": "0", "protocol": {protocol}}}}})
held = None
while (message := read_message(inp)) is not None:
    body = message.body
    if body["method"] == "shutdown":
        break
    if body["method"] == "cancel":
        write_message(out, {{"id": body["params"]["id"], "error": {{"code": 130, "message": "stopped"}}}})
        continue
    write_message(out, {{"method": "begun", "params": {{"id": body["id"]}}}})
    if body["method"] == "die" or (body["method"] == "die once" and not os.path.exists(body["params"]["mark"])):
        open(body["params"].get("mark", os.devnull), "w").close()
        os.kill(os.getpid(), 9)
    if body["method"] == "fail":
        write_message(out, {{"id": body["id"], "error": {{"code": 4, "message": "no plate"}}}})
    elif body["method"] == "hold":
        held = body
    else:
        write_message(out, {{"id": body["id"], "result": body["params"]}}, b"picture")
        if held:
            write_message(out, {{"id": held["id"], "result": {{}}}})
            held = None
"""


@pytest.fixture
def fake(tmp_path):
    """Makes a program that stands where a worker's Python does."""

    def make(protocol: str = "PROTOCOL", text: str = FAKE) -> str:
        program = tmp_path / "python"
        program.write_text(text.format(python=sys.executable, protocol=protocol))
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def client(fake):
    found = Client(fake())
    yield found
    found.close()


@pytest.mark.parametrize("attachment", [b"", b"\n\x00relamp 1 2\n" * 3])
def test_a_message_comes_back_as_it_went(attachment):
    stream = io.BytesIO()
    write_message(stream, {"id": 1, "method": "é", "params": {"a": [1, None]}}, attachment)
    stream.seek(0)
    message = read_message(stream)
    assert message is not None
    assert message.body == {"jsonrpc": "2.0", "id": 1, "method": "é", "params": {"a": [1, None]}}
    assert message.attachment == attachment
    assert read_message(stream) is None


@pytest.mark.parametrize(
    "noise",
    [b"hello\n", b"relamp 5\n", b"relamp -5 0\n", b"relamp 3 0\n[1]", b"relamp 4 0\n{bad", b"\xff" * 200 + b"\n",
     b"relamp 99999999999999 0\n", b"relamp 200000 0\n" + b"[" * 200000],
)  # fmt: skip
def test_noise_is_refused_and_the_next_message_is_read(noise):
    stream = io.BytesIO(noise)
    stream.seek(0, io.SEEK_END)
    write_message(stream, {"id": 2})
    stream.seek(0)
    refused = 0
    while True:
        try:
            message = read_message(stream)
            break
        except BadMessageError:
            refused += 1
    assert refused
    assert message is not None
    assert message.body["id"] == 2


def test_a_stream_cut_in_a_message_is_an_end():
    stream = io.BytesIO()
    write_message(stream, {"id": 1}, b"0123456789")
    assert read_message(io.BytesIO(stream.getvalue()[:-3])) is None


def test_the_worker_is_looked_for_in_order(tmp_path, monkeypatch):
    monkeypatch.delenv("RELAMP_PYTHON", raising=False)
    monkeypatch.setenv("RELAMP_SITE", str(tmp_path / "site.json"))
    with pytest.raises(UsageError, match=r"give the path .*RELAMP_PYTHON.*site\.json"):
        launch.find_python()
    (tmp_path / "site.json").write_text(json.dumps({"python": sys.executable}))
    assert launch.find_python() == Path(sys.executable)
    monkeypatch.setenv("RELAMP_PYTHON", "/nowhere/python")
    with pytest.raises(UsageError, match=r"no Python at /nowhere/python, which RELAMP_PYTHON names"):
        launch.find_python()
    assert launch.find_python(sys.executable) == Path(sys.executable)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"python": 3}'])
def test_a_site_file_that_says_nothing_is_named(text, tmp_path, monkeypatch):
    monkeypatch.delenv("RELAMP_PYTHON", raising=False)
    monkeypatch.setenv("RELAMP_SITE", str(tmp_path / "site.json"))
    (tmp_path / "site.json").write_text(text)
    with pytest.raises(UsageError, match=r"site\.json must be JSON"):
        launch.find_python()


def test_what_hosts_poison_does_not_reach_the_worker(monkeypatch):
    for name in launch.POISON:
        monkeypatch.setenv(name, "/host")
    environment = launch.clean_environment()
    assert not set(launch.POISON) & set(environment)
    assert launch.clean_environment(ocio="/show/config.ocio")["OCIO"] == "/show/config.ocio"


def test_a_path_that_is_wrong_fails_the_call_with_the_path_in_it():
    call = Client("/nowhere/python").call("status")
    with pytest.raises(UsageError, match="/nowhere/python"):
        call.result(10)


def test_a_call_is_answered_with_its_picture(client):
    reply = client.call("echo", {"a": 1}).result(30)
    assert (reply.result, reply.attachment) == ({"a": 1}, b"picture")


def test_an_error_keeps_its_sentence_and_exit_code(client):
    with pytest.raises(InputError, match="no plate"):
        client.call("fail").result(30)


def test_the_latest_call_of_a_lane_wins(client):
    first = client.call("hold", lane="view")
    second = client.call("echo", {"n": 2}, lane="view")
    third = client.call("echo", {"n": 3}, lane="view")
    with pytest.raises(CancelledError):
        second.result(30)
    client.call("echo", {"n": 0}).result(30)  # lets the first go
    first.result(30)
    assert third.result(30).result == {"n": 3}


def test_a_call_can_be_cancelled_waiting_or_in_work(client):
    first = client.call("hold", lane="view")
    waiting = client.call("echo", lane="view")
    client.cancel(waiting)
    assert waiting.future.cancelled()
    client.cancel(first)
    with pytest.raises(StoppedError):
        first.result(30)


def test_a_killed_worker_is_started_again_and_the_rest_goes_on(fake, tmp_path):
    said = []
    client = Client(fake(), on_notice=said.append)
    try:
        dying = client.call("die once", {"mark": str(tmp_path / "mark")})
        other = client.call("echo", {"n": 1})
        assert other.result(30).result == {"n": 1}
        assert dying.result(30).attachment == b"picture"
        assert "killed" in said[0]
        assert "started again" in said[0]
    finally:
        client.close()


def test_a_call_that_kills_the_worker_twice_fails_alone(client):
    culprit, innocent = client.call("die"), client.call("echo", {"n": 1})
    with pytest.raises(DeviceError, match="memory"):
        culprit.result(30)
    assert innocent.result(30).result == {"n": 1}


def test_a_program_that_is_no_worker_is_named(fake):
    client = Client(fake(text="#!/bin/sh\necho no module named relamp >&2\nexit 3\n"))
    call = client.call("status")
    with pytest.raises(RelampError, match="python: no module named relamp"):
        call.result(30)
    client.close()


def test_another_protocol_is_refused(fake):
    client = Client(fake(protocol="99"))
    with pytest.raises(RelampError, match="another protocol"):
        client.call("status").result(30)
    client.close()


def test_closing_ends_the_process_and_fails_what_is_open(client):
    call = client.call("hold")
    wait_until(lambda: call.begun)
    pid = client.pid
    client.close()
    with pytest.raises(StoppedError):
        call.result(10)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_will_not_end_is_made_to(fake):
    stubborn = FAKE.replace(
        'if body["method"] == "shutdown":\n        break', 'if body["method"] == "shutdown":\n        continue'
    )
    client = Client(
        fake(text=stubborn.replace("import os, sys", "import os, signal, sys; signal.signal(15, signal.SIG_IGN)"))
    )
    client.call("echo").result(30)
    pid = client.pid
    client.close(timeout=0.2)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_the_front_ends_half_needs_the_standard_library_only():
    core = Path(launch.__file__).parent
    code = (
        "import sys, types\n"
        "package = types.ModuleType('core'); package.__path__ = [sys.argv[1]]; sys.modules['core'] = package\n"
        "import core.rpc"
    )
    subprocess.run([sys.executable, "-S", "-c", code, str(core)], check=True)
