"""Pictures on disk: frames, EXR files, sequences and colour spaces."""
