"""Re-read a run and cross-check everything in it: the run, then each file, then each row."""
