"""What the published relighters IC-Light, RelightVid and Light-A-Video share.

They are restated from the papers and from what the released code computes, on the networks of diffusers, and are compared
with numbers of the authors' own code (`tests/goldens/published`). Pictures in and out are display-encoded; the caller
converts from and to linear light.
"""
