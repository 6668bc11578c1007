"""The Relamp node in Nuke 16 and 17 (15 loads it without the panel). Standard library, floor 0 and Nuke's own modules only.

`gizmo` writes the node as text; `knobs` and `inputs` read it; `bake` runs and `attach` shows; `callbacks` is what the node's
text calls; `startup/` is what goes on Nuke's plugin path. Nothing here is imported before an artist needs it.
"""
