"""Relamp's own relighters: their inputs, their networks, and their results."""
