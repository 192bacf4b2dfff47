"""Speech by espeak-ng, in a child process (extra `espeak`)."""
