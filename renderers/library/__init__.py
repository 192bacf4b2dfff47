"""Sounds from a folder of recordings."""
