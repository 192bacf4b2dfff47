"""Copy a subset of a run into a new run."""
