"""Speech from any server with OpenAI's `/v1/audio/speech` (extra `speech-api`)."""
