"""Verify a run: the run, then each file, then each row."""
