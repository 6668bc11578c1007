"""What works out the new light: backbones behind one call."""
