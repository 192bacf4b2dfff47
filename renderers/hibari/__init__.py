"""Speech by hibari's small neural model, whose weights are inside its package (extra `hibari`)."""
