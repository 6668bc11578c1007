"""A shot from its plate to the frames written: planned, read, lit, rendered, previewed."""
