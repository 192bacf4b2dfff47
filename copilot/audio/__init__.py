"""Arithmetic of sound: levels, loudness, panning, codecs. Values in, values out."""
