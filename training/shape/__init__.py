"""Training of the network that sees shape."""
