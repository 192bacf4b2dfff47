"""Backends that turn elements into stems: one file, or one package, for each."""
