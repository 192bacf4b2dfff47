"""Recordings that the tests make themselves: a library of sounds, and a bank of voices."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import soundfile as sf

from renderers.contract import RenderedSound, Renderer, RenderRequest
from renderers.espeak.renderer import EspeakRenderer
from renderers.procedural.renderer import ProceduralRenderer

TAKES = 4
"""Recordings of each label."""

SOUNDS: Mapping[str, tuple[str, float]] = {
    "rain": ("steady rain", 5.0),
    "sea waves": ("waves on the shore", 5.0),
    "fire crackling": ("a crackling fire", 5.0),
    "helicopter": ("a helicopter", 5.0),
    "clock tick": ("a ticking clock", 5.0),
    "dog bark": ("a dog barks", 1.5),
    "rooster": ("a rooster crows", 1.5),
}
"""The caption and the duration by which the sounds of each label are made."""

SPEAKERS: Mapping[str, tuple[str, str]] = {
    "anna": ("female", "en-us+f2"),
    "berta": ("female", "en-gb+f1"),
    "carl": ("male", "en-us+m1"),
    "david": ("male", "en-gb+m2"),
}
"""The gender of each speaker, and the voice of espeak that stands for the speaker."""

LINES = ("The last train leaves at nine tonight.", "Nobody has seen the keeper since the storm.")


def write_sounds(folder: Path) -> Path:
    """Write a library of recordings, `TAKES` of each label, with author and source; return its folder."""
    folder.mkdir(parents=True)
    renderer = ProceduralRenderer()
    rows = []
    for label, (caption, duration_s) in SOUNDS.items():
        requests = [RenderRequest(caption, duration_s, take) for take in range(TAKES)]
        for take, sound in enumerate(_sounds(renderer, requests)):
            name = f"{label.replace(' ', '-')}-{take}.flac"
            sf.write(folder / name, sound.audio.mean(axis=0), sound.rate_hz)
            rows.append((name, label, "CC0", f"maker {take}", f"https://example.org/{name}"))
    _write_index(folder, ("file", "label", "licence", "author", "source"), rows)
    return folder


def write_voices(folder: Path) -> Path:
    """Write a voice bank, two lines of each speaker; return its folder."""
    folder.mkdir(parents=True)
    renderer = EspeakRenderer()
    renderer.prepare()
    rows = []
    try:
        for speaker, (gender, voice) in SPEAKERS.items():
            requests = [RenderRequest(line, 6.0, 1, voice=voice) for line in LINES]
            for number, sound in enumerate(_sounds(renderer, requests)):
                name = f"{speaker}-{number}.wav"
                sf.write(folder / name, sound.audio.T, sound.rate_hz)
                rows.append((name, speaker, gender, "neutral", LINES[number], "CC0", "made by a test"))
    finally:
        renderer.close()
    columns = ("file", "speaker", "gender", "emotion", "transcript", "licence", "source")
    _write_index(folder, columns, rows)
    return folder


def _sounds(renderer: Renderer, requests: list[RenderRequest]) -> Iterable[RenderedSound]:
    for answer in renderer.render(requests):
        assert isinstance(answer, RenderedSound), answer
        yield answer


def _write_index(folder: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
