"""The shape of what is lit: its depth, what its form hides from a light, and the networks that see it in a picture."""
