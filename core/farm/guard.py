"""Runs a command that ends when the process which asked for it ends, even if that process is killed.

`python -m relamp.core.farm.guard COMMAND ...` runs the command until its own standard input ends: the system closes that
pipe when the process at the other end has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

GRACE = 60.0  # s for the command to end by itself


def run(command: Sequence[str]) -> int:
    """Run a command under a guard, in a session of its own; returns its exit code.

    Whatever ends this process or leaves this call ends the command: by SIGTERM first, `GRACE` seconds later by SIGKILL.
    """
    guard = subprocess.Popen(
        [sys.executable, "-m", "relamp.core.farm.guard", *command],
        stdin=subprocess.PIPE,
        # Ctrl-C in the terminal reaches this process only; the guard notices the end of its pipe.
        start_new_session=sys.platform != "win32",
    )
    try:
        return guard.wait()
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()


def main() -> int:
    """Run as the guard; returns the exit code of the command, 128 plus the signal's number where a signal ended it."""
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_stdin, args=(process,), name="guard", daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


def _end_with_stdin(process: subprocess.Popen[bytes]) -> None:
    # Not through sys.stdin, whose lock this thread would hold while the interpreter ends, which is fatal to it.
    while os.read(0, 4096):
        pass
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
