"""What goes on Nuke's plugin path: `init.py` and `menu.py`, and the node's text once it is installed."""
