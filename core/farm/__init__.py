"""A farm's machine: one warm process a session, asked for chunks of frames through a private folder."""
