"""Listening to a run: the sounds of each sample, through listeners, into answers and figures."""
