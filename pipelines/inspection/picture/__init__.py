"""The picture of a sample: the sounds of each turn over the spectrogram of its mix."""
