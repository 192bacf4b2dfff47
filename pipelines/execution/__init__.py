"""Executors: they run the same stages in this process, in several processes, or on Ray."""
