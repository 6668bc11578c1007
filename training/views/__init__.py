"""Ray-cast views of people and things: shape, surface and visibility, to be lit while training."""
