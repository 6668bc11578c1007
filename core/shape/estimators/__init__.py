"""Networks that see the shape and the surface of what a picture shows."""
