"""How near a relit shot comes to the truth, how steady it is, and what it left alone (`relamp evaluate`)."""
