"""The panel. PySide6 and floor 0 only: pictures are computed by the worker."""
