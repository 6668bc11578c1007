"""Measures of a relit shot against the truth: likeness, flicker, and what must not change (`relamp evaluate`)."""
