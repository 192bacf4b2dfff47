"""Speech in the voice of a reference recording, by VibeVoice as transformers has it.

The model hears the recording and reads the text: the recording's transcript is not used, and emotion has no
control of its own but comes with the recording. Speech takes the time that it takes. An item's sound
depends on its own seed; its batch changes it by rounding only, as far as the precision goes (see
docs/vibevoice.md for figures).
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from pydantic import Field

from copilot.errors import CopilotError, RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.torch_support import (
    DEVICE_VARIABLE,
    DType,
    hub_remedy,
    library_versions,
    memory_errors,
    model_revision,
    pick_device,
    pick_dtype,
    precision,
)

if TYPE_CHECKING:
    from renderers.vibevoice.model import Spoken, Utterance

_SOUND_VERSION = "1"
"""Goes up whenever the code here or in `vibevoice_model` gives other samples for the same request."""

_LONGEST_REFERENCE_S: Seconds = 30.0
"""What is heard of a reference. More costs memory in every batch, and tells the model little more."""

_ROOM_FACTOR = 3.0
_PAUSE_S: Seconds = 2.0
_CHARACTER_S: Seconds = 0.2
"""Speech is bounded by three times its room, or by a very slow reading of its text if that is longer."""


class VibeVoiceSettings(FrozenModel):
    """Settings of `vibevoice`. No speech is longer than `longest_s`."""

    model: str = Field("vibevoice/VibeVoice-1.5B-hf", description="A hub's OWNER/NAME, or a folder.")
    revision: str | None = Field(
        None, description="A branch, tag or commit of the hub; the newest without it."
    )
    diffusion_steps: int = Field(
        64, ge=1, le=1000, description="Steps for each 0.133 s of speech: more take longer."
    )
    guidance: float = Field(
        1.3, ge=1, description="How much more text and voice are followed than chance; 1 is not at all more."
    )
    dtype: DType = Field("auto", description="Precision; auto is bfloat16 on a GPU, float32 elsewhere.")
    longest_s: Seconds = Field(60.0, gt=0, description="No speech is longer, in seconds.")


class VibeVoiceRenderer:
    """Speaks `tts` requests, each in the voice of its `reference`."""

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
        """Backend, versions of the libraries, model, its commit or its folder's hash, settings."""
        settings = self._settings.model_dump(exclude={"model", "revision"})
        return {
            "backend": self.name,
            "sound": _SOUND_VERSION,
            "model": "folder" if self._folder() else self._settings.model,
            "revision": self._model_revision(),
            **{name: str(value) for name, value in settings.items()},
            "dtype": precision(self._settings.dtype),
            **library_versions("diffusers", "torch", "transformers"),
        }

    def prepare(self) -> None:
        """Load the model. Raises UserError where the model, or the device, is not to be had."""
        if self._model is None:
            device = pick_device(os.environ.get(DEVICE_VARIABLE))
            commit = None if self._folder() else self._model_revision()
            where = str(self._folder() or self._settings.model)
            self._model, self._processor = _load(where, commit, device, self._settings.dtype)

    def voices(self) -> Sequence[Voice]:
        """None: every voice is that of a reference."""
        return []

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Speech of one channel at the model's rate. Raises BatchTooLargeError for want of memory."""
        self.prepare()
        heard = [self._heard(request) for request in requests]
        batch = [item for item in heard if not isinstance(item, RenderFailure)]
        spoken: list[Spoken] = []
        if batch:
            with memory_errors():
                spoken = self._speak(batch)
        rest = iter(spoken)
        return [
            item if isinstance(item, RenderFailure) else self._answer(request, next(rest))
            for request, item in zip(requests, heard, strict=True)
        ]

    def close(self) -> None:
        """Let go of the model."""
        self._model = self._processor = None

    def _speak(self, batch: Sequence[Utterance]) -> list[Spoken]:
        settings = self._settings
        spoken: list[Spoken] = self._model.speak(
            batch, diffusion_steps=settings.diffusion_steps, guidance=settings.guidance
        )
        return spoken

    def _heard(self, request: RenderRequest) -> Utterance | RenderFailure:
        try:
            return self._utterance(request)
        except RowFault as fault:
            return RenderFailure(fault.reason, fault.detail)

    def _utterance(self, request: RenderRequest) -> Utterance:
        """What the model is given for a request. Raises RowFault."""
        from renderers.vibevoice.model import Utterance  # noqa: PLC0415 - needs the extra

        text = _line(request.text)
        if not 0 < request.duration_s < math.inf:
            raise RowFault("bad-duration", f"{request.duration_s} s is no room to speak in")
        if request.reference is None:
            detail = "no recording shows the voice; give a bank of voices that has references"
            raise RowFault("no-reference", detail)
        content = [
            {"type": "text", "text": text},
            {"type": "audio", "audio": _recording(request.reference.path, self._rate_hz())},
        ]
        given = self._processor.apply_chat_template(
            [{"role": "0", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            # A text that holds the name of a control token is read as text.
            sanitize_control_tokens=True,
        )
        hop_s = self._model.config.audio_config.hop_length / self._rate_hz()
        n_frames = math.ceil(self._bound_s(request) / hop_s)
        return Utterance(
            given["input_ids"], given["input_values"], given["padding_mask"], request.random_seed, n_frames
        )

    def _answer(self, request: RenderRequest, spoken: Spoken) -> RenderedSound | RenderFailure:
        if not spoken.ended:
            room = f"{request.duration_s:g} s of room"
            return RenderFailure(
                "speech-runaway", f"no end after {self._bound_s(request):.1f} s, with {room}"
            )
        if not spoken.audio.numel():
            return RenderFailure("no-speech", "the model ended before it said anything")
        return RenderedSound(spoken.audio.numpy(), self._rate_hz(), detail=_detail(request))

    def _bound_s(self, request: RenderRequest) -> Seconds:
        slow_s = _PAUSE_S + _CHARACTER_S * len(_line(request.text))
        return min(max(_ROOM_FACTOR * request.duration_s, slow_s), self._settings.longest_s)

    def _rate_hz(self) -> int:
        return int(self._processor.feature_extractor.sampling_rate)

    def _folder(self) -> Path | None:
        folder = Path(self._settings.model).expanduser()
        return folder if folder.is_dir() else None

    def _model_revision(self) -> str:
        if self._revision is None:
            self._revision = model_revision(self._settings.model, self._settings.revision)
        return self._revision


def _detail(request: RenderRequest) -> dict[str, str]:
    heard = request.reference
    if heard is None:
        return {}
    return {"reference": heard.sha256, "emotion": heard.emotion, "licence": heard.licence}


def _line(text: str) -> str:
    """The text as one line, as a line break would begin another speaker's. Raises RowFault if it is empty."""
    line = " ".join(text.split()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if not any(letter.isalnum() for letter in line):
        raise RowFault("no-speech", "the text holds no word")
    return line


@lru_cache(maxsize=64)
def _recording(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """A reference's first half minute, mono, float32, shape (samples,). Raises RowFault."""
    try:
        with soundfile.SoundFile(path) as file:
            n_heard = math.ceil(_LONGEST_REFERENCE_S * file.samplerate)
            sound = file.read(n_heard, dtype="float32", always_2d=True).mean(axis=1)
            heard = soxr.resample(sound, file.samplerate, rate_hz, quality="HQ")
    except (soundfile.SoundFileError, OSError) as error:
        raise RowFault("reference-unreadable", f"{path}: {error}") from error
    if not np.isfinite(heard).all() or not np.any(heard):
        raise RowFault("reference-unreadable", f"{path}: silent, or not finite")
    return np.ascontiguousarray(heard, dtype=np.float32)


def _load(where: str, commit: str | None, device: str, dtype: DType) -> tuple[Any, Any]:
    """Model and processor. Whatever is raised on the way becomes a UserError that says what to do."""
    from transformers import PreTrainedConfig, VibeVoiceProcessor  # noqa: PLC0415 - an extra
    from transformers.utils import logging  # noqa: PLC0415

    from renderers.vibevoice.model import SpeakingModel  # noqa: PLC0415 - needs the extra

    logging.disable_progress_bar()
    try:
        _require_form(PreTrainedConfig.get_config_dict(where, revision=commit)[0], where)
        processor = VibeVoiceProcessor.from_pretrained(where, revision=commit)
        model, told = SpeakingModel.from_pretrained(
            where, revision=commit, dtype=pick_dtype(device, precision(dtype)), output_loading_info=True
        )
        _require_whole(model, processor, told["missing_keys"], where)
    except CopilotError:
        raise
    except Exception as error:  # noqa: BLE001 - many libraries read a model, each with errors of its own
        raise UserError(_why_not_loaded(where, error)) from None
    try:
        return model.to(device), processor
    except (RuntimeError, MemoryError) as error:
        told = str(error).partition("\n")[0]
        raise UserError(f"model {where}: does not get onto {device}: {told}; choose another device") from None


def _require_form(config: dict[str, Any], where: str) -> None:
    form = config.get("model_type")
    if form != "vibevoice":
        found = f"is a {form}" if form else "has no config.json that names a kind of model"
        raise UserError(f"model {where}: {found}; give a vibevoice, such as {VibeVoiceSettings().model}")
    if "acoustic_tokenizer_config" in config:
        advice = f"give one that transformers reads, such as {VibeVoiceSettings().model}"
        raise UserError(f"model {where}: has the layout of VibeVoice's own code; {advice}")


def _require_whole(model: Any, processor: Any, missing: Collection[str], where: str) -> None:  # noqa: ANN401
    # transformers fills what files lack with random weights and an empty vocabulary.
    again = "copy or download it again"
    if missing:
        raise UserError(f"model {where}: {len(missing)} weights are missing ({min(missing)}); {again}")
    if processor.audio_token_id != model.config.audio_token_id:
        raise UserError(f"model {where}: tokenizer and model do not belong together; {again}")
    if processor.chat_template is None:
        raise UserError(f"model {where}: has no chat template; {again}")


def _why_not_loaded(where: str, error: BaseException) -> str:
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - slow

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError):
            return f"model {where}: {hub_remedy(where, cause)}"
        cause = cause.__cause__ or cause.__context__
    told = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"model {where}: cannot be loaded ({told}); give a folder that save_pretrained made, or OWNER/NAME"
