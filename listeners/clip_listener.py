"""The base of this package's listeners: each clip is heard by itself, so no answer depends on its batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from copilot import plugins
from listeners.contract import Clip, Heard, HearingFailure, Kind, ListenerInfo
from listeners.preparation import PREPARATION, hear_sound_clips
from renderers.model_revision import find_model_folder, find_model_revision, get_library_versions


class ClipListener(ABC):
    """A listener with a model that is a folder or on the hub. A subclass loads it, and hears one clip.

    `version` is raised by hand whenever the subclass gives another answer to the same clip. `libraries` are
    the distributions whose versions may change an answer.
    """

    name: ClassVar[str]
    info: ClassVar[ListenerInfo]
    rate_hz: ClassVar[int]
    version: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    kind: Kind

    def __init__(self, model: str, repository: str | None = None) -> None:
        """Set the model: a folder, or a name; `repository` is its OWNER/NAME if the name is a short one."""
        self._model_name = model
        self._repository = repository or model
        self._revision: str | None = None
        self._model: Any = None

    def fingerprint(self) -> dict[str, str]:
        """Return backend, versions, the model's content or commit, preparation, and `describe_hearing`."""
        return {
            "backend": self.name,
            "kind": self.kind,
            "hearing": self.version,
            "model": "local" if self.find_folder() else self._model_name,
            "revision": self.get_revision(),
            "preparation": f"{PREPARATION},{self.rate_hz}",
            **self.describe_hearing(),
            **get_library_versions(*self.libraries),
        }

    def prepare(self) -> None:
        """Load the model. Raises UserError if it cannot be loaded, whatever the reason."""
        if self._model is None:
            self.get_revision()
            who = f"listener {self.name!r}: model {self._model_name}"
            with plugins.blame(who, "loaded", self.kind):
                self._model = self.load()

    def hear(self, clips: Sequence[Clip]) -> list[Heard | HearingFailure]:
        """Return one answer per clip, each as if it were alone."""
        self.prepare()
        return hear_sound_clips(clips, lambda sound: [self.hear_clip(clip) for clip in sound])

    def close(self) -> None:
        """Release the model."""
        self._model = None

    def find_folder(self) -> str | None:
        """Return the folder that the model is in; None if it is on the hub."""
        folder = find_model_folder(self._model_name)
        return None if folder is None else str(folder)

    def get_revision(self) -> str:
        """Return the hash of the model's content, or its commit on the hub. Raises UserError."""
        if self._revision is None:
            self._revision = self.find_revision()
        return self._revision

    def find_revision(self) -> str:
        """Return the revision when it is first needed."""
        model = self._model_name if self.find_folder() else self._repository
        return find_model_revision(model, None)

    @abstractmethod
    def describe_hearing(self) -> dict[str, str]:
        """Return what else changes an answer: settings, windows, decoding."""

    @abstractmethod
    def load(self) -> Any:  # noqa: ANN401 - of a library without types
        """Return the loaded model."""

    @abstractmethod
    def hear_clip(self, clip: Clip) -> Heard | HearingFailure:
        """Return the answer to a clip that holds sound."""
