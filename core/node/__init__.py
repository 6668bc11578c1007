"""The Relamp node, as every host has it: knobs, inputs, bakes and their versions. It imports nothing of any host.

A host (Nuke, Blender) is a thin adapter over these modules:

    knobs      what a node shows, from the declaration of `parameters` and the node's own list
    request    values and inputs, as the host has them, made into a `RelightJob`
    versions   where bakes lie, which version is next, what may be written over
    bake       one render in the worker: start, poll, cancel, and what came of it
    install    a self-contained copy of floor 0 and a plugin, for a host's own Python

The life of a bake. In the host's main thread: read the knobs into plain values, say how each input reaches the worker (a
`Source`: its file, or pictures the host wrote for it), ask `request.make_job` for the job and `versions` for the place.
Then `bake.Bake(...).start()` and poll it from a thread or a timer: `fraction`, `words`, `cancel()`, `outcome`. A finished
bake's outcome says what to attach; a failed one is a sentence, and the node stays as it was.

What a node works out itself, live, on a baked frame (`mix` is always 1 in a bake; see `core.gain` for the law):

    adjusted = beauty + sum over lamps of (dim * tint - 1) * lamp
    level    = F * change tint
    change   = level * (m / F) ** strength * (ratio / m) ** (strength * saturation)
    graded   = adjusted + w * (p * (change - ratio) + epsilon * a * (max(change - level, 0) - max(ratio - F, 0)))
    out      = p + mix * (graded - p), p itself where the two are equal

`p` is the plate with alpha `a`, `w` the matte's weight, `ratio` its layer and m the geometric mean of the ratio's three
channels; F and epsilon are those of the baked frame. A tint of 2 is therefore one stop more light, exactly.
Every term is zero
while its knob is at rest, so a node nobody touched shows the baked numbers, and grain treated in the bake stays as it is.
"""
