"""Stages put together, what runs them, and what they leave on disk."""
