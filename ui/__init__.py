"""The panel: PySide6 and floor 0 only; the worker does the pictures."""
