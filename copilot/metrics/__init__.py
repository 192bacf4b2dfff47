"""Figures from texts and arrays, without any model: what listeners heard, against what was asked for."""
