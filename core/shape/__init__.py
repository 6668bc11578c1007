"""The shape of the subject: its depth, the shadows of its form, and the networks that estimate shape from a picture."""
