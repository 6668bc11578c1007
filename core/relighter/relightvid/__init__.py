"""RelightVid: the model as its authors run it, and the backbone that uses it."""
