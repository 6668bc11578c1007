"""Run by Nuke as it starts, also on the farm: Relamp becomes importable and its layers known. No Qt, no process."""

import importlib
import os
import sys
import traceback


def _start():
    # relamp/nuke_plugin/startup/init.py: the folder that holds relamp.
    home = os.path.abspath(__file__)
    for _ in range(4):
        home = os.path.dirname(home)
    if home not in sys.path:
        sys.path.append(home)
    importlib.import_module("relamp.nuke_plugin.layers").register()


try:
    _start()
except Exception:
    # A plugin that is broken must not keep an artist from their script.
    print("Relamp could not be loaded:\n" + traceback.format_exc())
