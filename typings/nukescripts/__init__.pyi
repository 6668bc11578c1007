# What Relamp uses of nukescripts, which types-nuke does not cover.
from . import panels as panels
