"""Speech by Kokoro-82M, from a folder with its weights (extra `kokoro`)."""
