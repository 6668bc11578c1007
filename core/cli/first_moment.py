"""Ctrl-C while the `relamp` command is still loading: imported before everything else by `cli`, and acts at once.

Python would answer with a traceback from the middle of an import. Nothing was begun yet, so the process just ends, with the
exit code of the signal. Where `cli` is imported by another program, nothing is changed. Floor 0.
"""

from __future__ import annotations

import os
import signal
import sys

if os.path.basename(sys.argv[0] if sys.argv else "").partition(".")[0] in ("relamp", "cli", "-m"):
    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(_number, lambda number, _: os._exit(128 + number))
