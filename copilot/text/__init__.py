"""English text as the domain reads it: counts of spoken words, and the stems of words."""
