"""Relamp's engine: pictures, light, gain, geometry, relighters and the shot loop."""

VERSION = "0.1.0"
