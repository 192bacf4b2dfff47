"""Speech in the voice of a reference recording, by the VibeVoice of transformers.

The model gets the recording and the text. The recording's transcript is not used; emotion has no control of
its own, but comes with the recording. The duration of the speech is not controlled. An item's sound depends
on its own seed; its batch changes it by rounding only (see docs/vibevoice.md for figures).
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import Field

from copilot.errors import CopilotError, RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.model_revision import describe_hub_error, find_model_revision, get_library_versions
from renderers.recordings.reading import UnreadableError, find_parts, open_recording
from renderers.torch_support import (
    DEVICE_VARIABLE,
    DType,
    pick_device,
    pick_dtype,
    resolve_precision,
    translate_memory_errors,
)

if TYPE_CHECKING:
    from renderers.vibevoice.model import Spoken, Utterance

_SOUND_VERSION = "1"
"""Raised by hand whenever this module or `model` gives other samples for the same request."""

_LONGEST_REFERENCE_S: Seconds = 30.0
"""The part of a reference that is used. More costs memory in every batch, and hardly helps the model."""

_ROOM_FACTOR = 3.0
_PAUSE_S: Seconds = 2.0
_CHARACTER_S: Seconds = 0.2
"""Speech is limited to three times its slot, or to a very slow reading of its text if that is longer."""


class VibeVoiceSettings(FrozenModel):
    """Settings of `vibevoice`. No speech is longer than `longest_s`."""

    model: str = Field("vibevoice/VibeVoice-1.5B-hf", description="A hub's OWNER/NAME, or a folder.")
    revision: str | None = Field(None, description="A branch, tag or commit of the hub; default: the newest.")
    diffusion_steps: int = Field(
        64, ge=1, le=1000, description="Steps for each 0.133 s of speech: more take longer."
    )
    guidance: float = Field(1.3, ge=1, description="Strength of guidance by text and voice; 1 is none.")
    dtype: DType = Field("auto", description="Precision; auto is bfloat16 on a GPU, float32 elsewhere.")
    longest_s: Seconds = Field(60.0, gt=0, description="No speech is longer, in seconds.")


class VibeVoiceRenderer:
    """A renderer of speech, each in the voice of its request's `reference`."""

    name = "vibevoice"
    tool: Tool = "tts"
    info = RendererInfo(
        summary="speech in the voices of recordings, by VibeVoice, on a GPU",
        extra="vibevoice",
        modules=("torch", "transformers", "diffusers"),
        licence="Apache-2.0 (transformers)",
        model=VibeVoiceSettings().model,
        model_licence="MIT",
        settings=VibeVoiceSettings,
        target="model",
        languages=("en", "zh"),
        clones=True,
        isolated=True,
        batch_s=240.0,
        least_s=1.0,
        deadline_s=1800.0,
    )

    def __init__(self, settings: VibeVoiceSettings | None = None) -> None:
        self._settings = settings or VibeVoiceSettings()
        self._revision: str | None = None
        self._model: Any = None
        self._processor: Any = None

    def fingerprint(self) -> dict[str, str]:
        """Return backend, versions of the libraries, model, its commit or its folder's hash, settings."""
        settings = self._settings.model_dump(exclude={"model", "revision"})
        return {
            "backend": self.name,
            "sound": _SOUND_VERSION,
            "model": "folder" if self._find_folder() else self._settings.model,
            "revision": self._get_revision(),
            **{name: str(value) for name, value in settings.items()},
            "dtype": resolve_precision(self._settings.dtype),
            **get_library_versions("diffusers", "torch", "transformers"),
        }

    def prepare(self) -> None:
        """Load the model. Raises UserError if the model or the device is not available."""
        if self._model is None:
            device = pick_device(os.environ.get(DEVICE_VARIABLE))
            commit = None if self._find_folder() else self._get_revision()
            where = str(self._find_folder() or self._settings.model)
            self._model, self._processor = _load(where, commit, device, self._settings.dtype)

    def voices(self) -> Sequence[Voice]:
        """Return no voices: every voice is that of a reference."""
        return []

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return mono speech at the model's rate. Raises BatchTooLargeError if memory does not suffice."""
        self.prepare()
        items = [self._make_item(request) for request in requests]
        batch = [item for item in items if not isinstance(item, RenderFailure)]
        spoken: list[Spoken] = []
        if batch:
            with translate_memory_errors():
                spoken = self._speak(batch)
        rest = iter(spoken)
        return [
            item if isinstance(item, RenderFailure) else self._make_answer(request, next(rest))
            for request, item in zip(requests, items, strict=True)
        ]

    def close(self) -> None:
        """Release the model."""
        self._model = self._processor = None

    def _speak(self, batch: Sequence[Utterance]) -> list[Spoken]:
        settings = self._settings
        spoken: list[Spoken] = self._model.speak(
            batch, diffusion_steps=settings.diffusion_steps, guidance=settings.guidance
        )
        return spoken

    def _make_item(self, request: RenderRequest) -> Utterance | RenderFailure:
        try:
            return self._make_utterance(request)
        except RowFault as fault:
            return RenderFailure(fault.reason, fault.detail)

    def _make_utterance(self, request: RenderRequest) -> Utterance:
        """Return the model's input for a request. Raises RowFault."""
        from renderers.vibevoice.model import Utterance  # noqa: PLC0415 - needs the extra

        text = _join_lines(request.text)
        if not 0 < request.duration_s < math.inf:
            raise RowFault("bad-duration", f"{request.duration_s} s is not a duration to speak in")
        if request.reference is None:
            detail = "no recording of the voice; give a voice bank"
            raise RowFault("no-reference", detail)
        content = [
            {"type": "text", "text": text},
            {"type": "audio", "audio": _read_recording(request.reference.path, self._get_rate_hz())},
        ]
        given = self._processor.apply_chat_template(
            [{"role": "0", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            # A text that contains the name of a control token is read as text.
            sanitize_control_tokens=True,
        )
        hop_s = self._model.config.audio_config.hop_length / self._get_rate_hz()
        n_frames = math.ceil(self._compute_bound_s(request) / hop_s)
        return Utterance(
            given["input_ids"], given["input_values"], given["padding_mask"], request.random_seed, n_frames
        )

    def _make_answer(self, request: RenderRequest, spoken: Spoken) -> RenderedSound | RenderFailure:
        if not spoken.ended:
            room = f"{request.duration_s:g} s of room"
            return RenderFailure(
                "speech-runaway", f"no end after {self._compute_bound_s(request):.1f} s, with {room}"
            )
        if not spoken.audio.numel():
            return RenderFailure("no-speech", "the model ended before it said anything")
        return RenderedSound(spoken.audio.numpy(), self._get_rate_hz(), detail=_describe_reference(request))

    def _compute_bound_s(self, request: RenderRequest) -> Seconds:
        slow_s = _PAUSE_S + _CHARACTER_S * len(_join_lines(request.text))
        return min(max(_ROOM_FACTOR * request.duration_s, slow_s), self._settings.longest_s)

    def _get_rate_hz(self) -> int:
        return int(self._processor.feature_extractor.sampling_rate)

    def _find_folder(self) -> Path | None:
        folder = Path(self._settings.model).expanduser()
        return folder if folder.is_dir() else None

    def _get_revision(self) -> str:
        if self._revision is None:
            self._revision = find_model_revision(self._settings.model, self._settings.revision)
        return self._revision


def _describe_reference(request: RenderRequest) -> dict[str, str]:
    reference = request.reference
    if reference is None:
        return {}
    return {"reference": reference.sha256, "emotion": reference.emotion, "licence": reference.licence}


def _join_lines(text: str) -> str:
    """Return the text as one line: a line break would begin another speaker's. Raises RowFault if empty."""
    line = " ".join(text.split()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if not any(letter.isalnum() for letter in line):
        raise RowFault("no-speech", "the text has no word")
    return line


@lru_cache(maxsize=64)
def _read_recording(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """Return a reference's first half minute, mono, float32, shape (samples,). Raises RowFault."""
    try:
        with open_recording(path, find_parts(path)) as file:
            n_heard = math.ceil(_LONGEST_REFERENCE_S * file.samplerate)
            sound = file.read(n_heard, dtype="float32", always_2d=True).mean(axis=1)
            heard = soxr.resample(sound, file.samplerate, rate_hz, quality="HQ")
    except UnreadableError as error:
        raise RowFault("reference-unreadable", f"{path} {error}") from error
    if not np.isfinite(heard).all() or not np.any(heard):
        raise RowFault("reference-unreadable", f"{path}: silent, or not finite")
    return np.ascontiguousarray(heard, dtype=np.float32)


def _load(where: str, commit: str | None, device: str, dtype: DType) -> tuple[Any, Any]:
    """Load model and processor. Turns any exception into a UserError that says what to do."""
    from transformers import PreTrainedConfig, VibeVoiceProcessor  # noqa: PLC0415 - an extra
    from transformers.utils import logging  # noqa: PLC0415

    from renderers.vibevoice.model import SpeakingModel  # noqa: PLC0415 - needs the extra

    logging.disable_progress_bar()
    try:
        _require_form(PreTrainedConfig.get_config_dict(where, revision=commit)[0], where)
        processor = VibeVoiceProcessor.from_pretrained(where, revision=commit)
        model, loading = SpeakingModel.from_pretrained(
            where,
            revision=commit,
            dtype=pick_dtype(device, resolve_precision(dtype)),
            output_loading_info=True,
        )
        _require_complete(model, processor, loading["missing_keys"], where)
    except CopilotError:
        raise
    except Exception as error:  # noqa: BLE001 - many libraries read a model, each with errors of its own
        raise UserError(_describe_failure(where, error)) from None
    try:
        return model.to(device), processor
    except (RuntimeError, MemoryError) as error:
        message = str(error).partition("\n")[0]
        raise UserError(
            f"model {where}: cannot be moved to {device}: {message}; choose another device"
        ) from None


def _require_form(config: dict[str, Any], where: str) -> None:
    form = config.get("model_type")
    if form != "vibevoice":
        found = f"is a {form}" if form else "has no config.json that names a kind of model"
        raise UserError(f"model {where}: {found}; give a vibevoice, such as {VibeVoiceSettings().model}")
    if "acoustic_tokenizer_config" in config:
        advice = f"give one that transformers reads, such as {VibeVoiceSettings().model}"
        raise UserError(f"model {where}: has the layout of VibeVoice's own code; {advice}")


def _require_complete(model: Any, processor: Any, missing: Collection[str], where: str) -> None:  # noqa: ANN401
    # transformers replaces missing files by random weights and an empty vocabulary.
    again = "copy or download it again"
    if missing:
        raise UserError(f"model {where}: {len(missing)} weights are missing ({min(missing)}); {again}")
    if processor.audio_token_id != model.config.audio_token_id:
        raise UserError(f"model {where}: tokenizer and model do not belong together; {again}")
    if processor.chat_template is None:
        raise UserError(f"model {where}: has no chat template; {again}")


def _describe_failure(where: str, error: BaseException) -> str:
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - slow

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError):
            return f"model {where}: {describe_hub_error(where, cause)}"
        cause = cause.__cause__ or cause.__context__
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return (
        f"model {where}: cannot be loaded ({message}); give a folder that save_pretrained made, or OWNER/NAME"
    )
