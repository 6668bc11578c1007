"""Training of the network that tells skin, hair and cloth apart."""
