"""The shape of what is lit: normals, depth, and what hides the light."""
