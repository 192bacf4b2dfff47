"""Sound effects from a folder of real recordings: found by their captions, fitted to the duration.

The same request gives the same recording and the same samples. A caption that no recording fits gets neutral
noise, with `matched=False`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile as sf
from pydantic import Field, field_validator, model_validator

from copilot.frozen_model import FrozenModel
from copilot.hashing import content_hash, derive_random_seed, derive_rng
from copilot.library_sound import LibrarySound
from copilot.units import SAMPLE_RATE_HZ, samples_to_seconds, seconds_to_samples
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.library.fit import find_heard_span, fit
from renderers.library.index import (
    Index,
    Recording,
    filter_licences,
    filter_splits,
    normalise_split,
    read_index,
)
from renderers.library.licences import normalise_licence
from renderers.library.reading import Reader, hash_content
from renderers.library.search import Search
from renderers.library.sounds import list_library_sounds
from renderers.procedural import FALLBACK, LONGEST_S, ProceduralRenderer, make_sound
from renderers.recordings.reading import UnreadableError

SOUND_VERSION = "5"
"""Raised by hand whenever search, reading or fitting give another sound; part of every stem's key."""

_TRIES = 4
"""Number of equally good recordings that are tried if one leaves a gap."""

_SHOWN = 4
"""Number of recordings that a message names."""

_GAP = 1.25
"""A recording that fills less than 1 / 1.25 of the duration leaves a gap; one without a gap is preferred."""


class LibrarySettings(FrozenModel):
    """The recordings to use."""

    folder: str = Field(description="The folder of the recordings and their index.")
    licences: tuple[str, ...] | None = Field(
        default=None, description="Only recordings under these licences, such as CC0,CC-BY; default: all."
    )
    index: str | None = Field(
        default=None, description="The index's file name in the folder; default: that of a known layout."
    )

    splits: tuple[str, ...] | None = Field(
        default=None,
        description="Only these splits, such as train; default: all but validation and evaluation.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_fallback(cls, given: Any) -> Any:  # noqa: ANN401 - what a user gave
        if isinstance(given, Mapping) and "fallback" in given:
            raise ValueError(
                f"fallback={given['fallback']}: give `sfx` library:FOLDER,{given['fallback']} instead"
            )
        return given

    @field_validator("splits", mode="before")
    @classmethod
    def _normalise_splits(cls, value: Any) -> Any:  # noqa: ANN401 - what a user gave
        """Accept `train,val` as text; return every split by its usual name, sorted."""
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
            return value
        names = sorted({normalise_split(name) for name in given} - {""})
        if not names:
            raise ValueError("names no split; give some, such as train,validation, or leave it out")
        return tuple(names)

    @field_validator("licences", mode="before")
    @classmethod
    def _normalise_licences(cls, value: Any) -> Any:  # noqa: ANN401 - what a user gave
        """Accept `CC0,CC-BY` as text; return every licence by its usual name, sorted."""
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
            return value
        names = sorted({normalise_licence(name) for name in given} - {""})
        if not names:
            raise ValueError("names no licence; give some, such as CC0,CC-BY, or leave it out for all")
        return tuple(names)


class LibraryRenderer:
    """Plays recordings for `sfx` requests."""

    name = "library"
    tool: Tool = "sfx"
    info = RendererInfo(
        summary="Recordings from a folder, found by their captions and fitted to the duration",
        licence="Apache-2.0",
        model_licence="each recording's own; it stands in the stem's detail",
        settings=LibrarySettings,
        target="folder",
    )

    def __init__(self, settings: LibrarySettings) -> None:
        self._settings = settings
        self._index: Index | None = None
        self._search: Search | None = None
        self._reader = Reader()
        self._hashes: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of rows and recordings that cannot be used. Raises UserError as `prepare`.

        Opens every recording, and decodes its start and its end.
        """
        index = self._get_index()
        faults = ((one.file, self._reader.find_fault(index.folder / one.file)) for one in index.recordings)
        return (*index.problems, *(f"{file} {fault}; it is passed over" for file, fault in faults if fault))

    def fingerprint(self) -> dict[str, str]:
        """Return backend, versions, licences, and a hash of the index's content and the recordings' digests.

        The folder's place is not in it. Reads up to 1 MiB of each recording: once for a run, not in each
        worker. Raises UserError as `prepare`, and for a recording that cannot be read.
        """
        index = self._get_index()
        known = [
            [
                r.file,
                r.text,
                normalise_licence(r.licence),
                r.author,
                r.source,
                r.kind,
                hash_content(index.folder / r.file),
            ]
            for r in index.recordings
        ]
        return {
            "backend": self.name,
            "version": SOUND_VERSION,
            "index": content_hash(known),
            "licences": ",".join(self._settings.licences or ()) or "all",
            "libsndfile": sf.__libsndfile_version__,
            "noise": content_hash(ProceduralRenderer().fingerprint())[:16],
        }

    def list_sounds(self) -> tuple[LibrarySound, ...]:
        """Return the sounds that the library has, by name. Reads the start of each recording.

        Raises UserError as `prepare`.
        """
        return list_library_sounds(self._get_index(), self._reader)

    def prepare(self) -> None:
        """Read the index and build the search. Raises UserError if no recording can be used."""
        self._get_search()

    def voices(self) -> Sequence[Voice]:
        """Return no voices: this backend does not speak."""
        return ()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one sound per request, as long as requested; a failure if no recording can be decoded."""
        return [self._render(request) for request in requests]

    def close(self) -> None:
        """Let go of the search."""
        if self._search is not None:
            self._search.close()
            self._search = None

    def _get_index(self) -> Index:
        if self._index is None:
            index = read_index(Path(self._settings.folder).expanduser(), self._settings.index)
            index = filter_splits(index, self._settings.splits)
            licences = self._settings.licences
            self._index = filter_licences(index, licences) if licences else index
        return self._index

    def _get_search(self) -> Search:
        if self._search is None:
            self._search = Search([recording.text for recording in self._get_index().recordings])
        return self._search

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        if not 0.0 < request.duration_s <= LONGEST_S or seconds_to_samples(request.duration_s) == 0:
            detail = f"{request.duration_s} s is not a duration above 0 and up to {LONGEST_S:g} s"
            return RenderFailure("bad-duration", detail)
        found = self._get_search().find(request.text)
        if not found:
            return _make_noise(request)
        unusable: dict[int, str] = {}
        while found:
            if sound := self._render_one_of(found, request, unusable):
                return sound
            # None of them can be decoded: those that fit next best.
            found = self._get_search().find(request.text, without=unusable)
        several = list(unusable.values())
        more = f"; and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
        return RenderFailure(
            "bad-recording",
            f"{'; '.join(several[:_SHOWN])}{more}; repair them, or remove them from the index",
        )

    def _render_one_of(
        self, found: Sequence[int], request: RenderRequest, unusable: dict[int, str]
    ) -> RenderedSound | None:
        """Return the sound of one of these recordings, drawn by the random seed; None if none can be used.

        Of a few that can be used, the first without a gap is preferred. Fills in those that cannot.
        """
        first = derive_random_seed("library take", request.random_seed) % len(found)
        with_gap: RenderedSound | None = None
        n_tried = 0
        for place in [*found[first:], *found[:first]]:
            recording = self._get_index().recordings[place]
            try:
                sound = self._render_recording(recording, request)
            # ValueError covers UnreadableError; the others are those of arithmetic on an odd recording.
            except (ValueError, ArithmeticError, LookupError, MemoryError, OSError) as error:
                unusable[place] = f"{recording.file} {_describe(error)}"
                continue
            if request.duration_s <= _GAP * float(sound.detail.get("event_s", request.duration_s)):
                return sound
            with_gap = with_gap or sound
            n_tried += 1
            if n_tried + len(unusable) >= _TRIES:
                break
        return with_gap

    def _render_recording(self, recording: Recording, request: RenderRequest) -> RenderedSound:
        """Raises UnreadableError."""
        path = self._get_index().folder / recording.file
        read, rate_hz, skipped = self._reader.read(path, request.duration_s, request.random_seed)
        first, end = find_heard_span(read)
        # Rounded up at the recording's rate, so that there are never too few samples at the pipeline's.
        n_samples = -(-seconds_to_samples(request.duration_s) * rate_hz // SAMPLE_RATE_HZ)
        fitted = fit(read[:, first:end], rate_hz, n_samples, recording.kind)
        detail = {
            "file": recording.file,
            "licence": normalise_licence(recording.licence) or "none told",
            "author": recording.author,
            "source": recording.source,
            "kind": fitted.kind,
            "from_s": f"{samples_to_seconds(skipped + first + fitted.start, rate_hz):.3f}",
            "sha256": self._hash(recording.file, path),
        }
        if fitted.n_heard < n_samples:
            detail["event_s"] = f"{samples_to_seconds(fitted.n_heard, rate_hz):.3f}"
        return RenderedSound(
            fitted.audio, rate_hz, detail={name: text for name, text in detail.items() if text}
        )

    def _hash(self, file: str, path: Path) -> str:
        if file not in self._hashes:
            with path.open("rb") as stream:
                self._hashes[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._hashes[file]


def _describe(error: Exception) -> str:
    if isinstance(error, UnreadableError):
        return str(error)
    return f"cannot be fitted ({type(error).__name__}: {error})"


def _make_noise(request: RenderRequest) -> RenderedSound:
    """Return the sound of the procedural renderer for a caption that no recipe fits."""
    n_samples = seconds_to_samples(request.duration_s)
    rng = derive_rng("library noise", request.text, n_samples, request.random_seed)
    return RenderedSound(
        make_sound(None, rng, n_samples), SAMPLE_RATE_HZ, matched=False, detail={"recipe": FALLBACK}
    )
