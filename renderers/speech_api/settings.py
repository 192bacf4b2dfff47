"""The settings of speech from a server: the server, the model, the voices, and the form of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.language import ENGLISH, normalise_tag
from copilot.scene import Gender
from copilot.server_url import hide_secrets
from copilot.units import Seconds
from renderers.openai_protocol import is_server_url

KEY = "COPILOT_TTS_API_KEY"

# OpenAI names no genders: these are as most listeners hear them. Left out are `alloy` and `fable`, on whom
# listeners differ, and voices that tts-1 does not have.
_VOICES: Mapping[str, Gender] = {
    "ash": "male",
    "coral": "female",
    "echo": "male",
    "nova": "female",
    "onyx": "male",
    "sage": "female",
    "shimmer": "female",
}


class SpeechApiSettings(FrozenModel):
    """The server, the model, the voices, and the form of requests."""

    url: str = Field(description="The API's root, such as http://HOST:8000/v1.")
    model: str = Field(default="tts-1", min_length=1, description="The model's name at the server.")
    voices: Mapping[str, Gender] = Field(
        default=_VOICES, min_length=1, description="The voices to cast: alloy:female,onyx:male."
    )
    languages: tuple[str, ...] = Field(
        default=(ENGLISH,), description="The languages that the voices speak: en,de. It changes no sound."
    )
    instructions: bool = Field(default=False, description="Send the emotion as `instructions`.")
    response_format: Literal["wav", "flac", "pcm"] = Field(
        default="wav", description="pcm is raw: 16 bit, mono, 24 kHz."
    )
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="1 is the voice's own.")
    server: str | None = Field(
        default=None, description="Name of the server in the stems' keys (default: its host, port and path)."
    )
    concurrency: int = Field(default=8, ge=1, le=1024, description="Requests in flight for each worker.")
    timeout_s: Seconds = Field(default=60.0, gt=0, description="Limit for one request.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, given: str) -> str:
        # UserError passes through pydantic, whose own message would show the URL with a password in it.
        place = hide_secrets(given)
        if not is_server_url(given):
            raise UserError(
                f"speech-api: {place} is not a server's URL; give one such as http://HOST:8000/v1",
                field="tts",
            )
        parts = urlsplit(given)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UserError(
                f"speech-api: {place} has a user or a query; give the API's root alone, and a key as {KEY}",
                field="tts",
            )
        return given.rstrip("/")

    @field_validator("languages", mode="before")
    @classmethod
    def _read_languages(cls, given: object) -> object:
        tags = given.split(",") if isinstance(given, str) else given
        return [normalise_tag(str(tag)) for tag in tags] if isinstance(tags, list | tuple) else given

    @field_validator("voices", mode="before")
    @classmethod
    def _split_line(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        pairs = [entry.strip().rpartition(":") for entry in given.split(",") if entry.strip()]
        if not all(name for name, _, _ in pairs):
            raise ValueError("each voice needs its gender, such as alloy:female,onyx:male")
        return {name.strip(): gender.strip() for name, _, gender in pairs}
