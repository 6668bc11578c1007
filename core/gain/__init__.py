"""The change of light as a gain on the plate: the gain, the law that applies it, and the treatment of grain."""
