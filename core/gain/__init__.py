"""What a change of light does to a picture: the gain, its law, and what is left of the grain."""
