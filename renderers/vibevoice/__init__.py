"""VibeVoice: zero-shot speech with reference voices (extra `vibevoice`)."""
