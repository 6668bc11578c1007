"""A farm's machine: one warm process for each session, which takes requests for chunks of frames through a private folder."""
