"""Weights that are downloaded: what they are, where they lie, whether they fit, and what their licences allow."""
