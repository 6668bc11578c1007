"""Relamp's own relighters: what they are told of a frame, their networks, and their answers."""
