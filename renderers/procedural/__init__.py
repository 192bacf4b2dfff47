"""Sounds made by synthesis from a caption: no weights, one catalogue of recipes."""
