"""Recordings as they come: read to their true end, whatever their headers say."""
