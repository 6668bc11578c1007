"""Training of the network that estimates the light a plate was shot under."""
