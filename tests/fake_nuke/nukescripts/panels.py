from nuke._state import state


def registerWidgetAsPanel(widget: str, name: str, id: str, create: bool = False) -> None:
    """Keep what was registered; a test opens it by evaluating `widget` in the main module, as Nuke does."""
    state.panels.append((widget, name, id))
