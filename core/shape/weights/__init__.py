"""The weights of the network of shape. A package, so that they are installed with the code."""
