"""Run by Nuke where it has a window: the node on the toolbar, the panel in the list of panes."""

import importlib
import traceback

import nuke


def _start():
    panel_host = importlib.import_module("relamp.nuke_plugin.panel_host")
    menu = nuke.menu("Nodes").addMenu("Relamp")
    menu.addCommand("Relamp", "from relamp.nuke_plugin import create\ncreate.create()")
    if nuke.NUKE_VERSION_MAJOR >= panel_host.FIRST_NUKE:
        panel_host.register()


try:
    _start()
except Exception:
    print("Relamp's menu could not be made:\n" + traceback.format_exc())
