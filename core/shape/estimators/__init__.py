"""Networks that see the shape of a subject in a picture."""
