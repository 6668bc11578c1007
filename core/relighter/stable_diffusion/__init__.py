"""The published relighters as their authors run them: IC-Light, RelightVid, Light-A-Video.

Restated from the papers and from what the released code computes, on diffusers' networks, and held to numbers of the
authors' own code (`tests/goldens/published`). Pictures in and out are display-encoded; the linear light is the caller's.
"""
