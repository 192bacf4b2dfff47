"""Designers: backends which turn a seed into a dialogue. Importing this package loads none of them."""
