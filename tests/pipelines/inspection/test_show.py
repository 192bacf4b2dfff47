"""Laying out one sample: the stored bytes, the same mixes from stems, and a picture that does not change."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from helpers.made_runs import a_dialogue, a_run, a_sample
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from copilot.arrow import read_dialogue
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Change, Operation, Remove, apply
from copilot.errors import CorruptDataError, MissingExtraError, UserError
from copilot.scene import Scene, SoundElement
from copilot.seed import Seed
from copilot.units import Audio
from copilot.vocabulary import Check
from pipelines.cli.commands.show import print_sample, run_show
from pipelines.inspection import show as show_module
from pipelines.inspection.number_text import format_loudness, format_number, format_panning
from pipelines.inspection.picture.canvas import open_canvas
from pipelines.inspection.picture.spectrogram import compute_spectrogram
from pipelines.inspection.picture.timeline import draw_timeline
from pipelines.inspection.picture.turn_lanes import Lane, list_lanes
from pipelines.inspection.show import ShownSample, show_sample, slugify
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter

FILES = [
    "turn-0.flac",
    "turn-1.flac",
    "turn-2.flac",
    "stem-1-steady-rain.flac",
    "stem-2-a-door-slams.flac",
    "stem-3-who-is-there.flac",
    "stem-4-a-small-bell.flac",
    "dialogue.json",
    "timeline.png",
]
SEED_ID = "test/0001"
MINUS = "\N{MINUS SIGN}"


@dataclass
class Drawn:
    """The arguments of a call of `draw_timeline`."""

    dialogue: Dialogue
    mixes: list[Audio]
    name: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three samples, the last only `valid`, and a reject. Nothing is written to it."""
    return Path(a_run(tmp_path_factory.mktemp("show") / "run", n_samples=3, n_rejects=1).place)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    """Stands for the picture, which takes a second."""
    calls: list[Drawn] = []

    def draw(dialogue: Dialogue, mixes: list[Audio], name: str) -> bytes:
        calls.append(Drawn(dialogue, mixes, name))
        return b"picture"

    monkeypatch.setattr(show_module, "draw_timeline", draw)
    return calls


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_sample_laid_out(made: Path, tmp_path: Path):
    sample = a_sample(1)
    shown = show_sample(made, SEED_ID, tmp_path / "out")
    assert [path.name for path in shown.paths] == FILES
    assert names_in(tmp_path / "out") == set(FILES)
    for index, mix in enumerate(sample.mixes):
        assert (shown.folder / f"turn-{index}.flac").read_bytes() == mix
    for stem, name in zip(sample.stems, FILES[3:7], strict=True):
        assert (shown.folder / name).read_bytes() == stem.flac
    assert (shown.id, shown.tier, shown.headroom_db) == (sample.id, "hq", sample.headroom_db)
    assert shown.dialogue == sample.dialogue
    assert (shown.folder / "timeline.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_dialogue_is_readable(made: Path, tmp_path: Path, drawn: list[Drawn]):
    sample = a_sample(1)
    shown = show_sample(made, SEED_ID, tmp_path)
    text = (tmp_path / "dialogue.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert content == shown.content
    assert content["seed_id"] == SEED_ID
    assert content["turns"][1]["operations"] == [{"op": "change", "id": 2, "loudness": -12.0}]
    voice = content["turns"][0]["elements"][2]
    assert (voice["heard_start_s"], voice["heard_end_s"]) == (0.8, 1.8)
    assert read_dialogue(content).turns == sample.dialogue.turns
    assert [stem["key"] for stem in content["stems"]] == [stem.info.key for stem in sample.stems]
    assert ": null" not in text
    assert "mixes" not in content


def test_mixes_made_again_from_stems_are_the_stored_ones(tmp_path: Path, drawn: list[Drawn]):
    run = a_run(tmp_path / "run", n_samples=1, n_rejects=0, keep="stems")
    shown = show_sample(run.place, out=tmp_path / "out")
    sample = a_sample(0)
    assert [path.name for path in shown.paths] == FILES
    for index, mix in enumerate(sample.mixes):
        assert (shown.folder / f"turn-{index}.flac").read_bytes() == mix


def test_without_stems_there_are_mixes(tmp_path: Path, drawn: list[Drawn]):
    run = a_run(tmp_path / "run", n_samples=1, n_rejects=0, keep="mixes")
    shown = show_sample(run.place, out=tmp_path / "out")
    assert [path.name for path in shown.paths] == [n for n in FILES if not n.startswith("stem")]


def test_a_mix_too_few_is_damage(tmp_path: Path, drawn: list[Drawn]):
    run = a_run(tmp_path / "run", n_samples=0, n_rejects=0)
    sample = a_sample(0)
    writer = ShardWriter(run)
    writer.add_sample(replace(sample, mixes=sample.mixes[:2]))
    writer.commit()
    with pytest.raises(CorruptDataError, match=f"row {sample.id}: 2 mixes, 3 turns"):
        show_sample(run.place, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_picture_is_of_the_stored_audio(made: Path, tmp_path: Path, drawn: list[Drawn]):
    shown = show_sample(made, SEED_ID, tmp_path)
    (call,) = drawn
    assert call.dialogue == shown.dialogue
    assert call.name == f"{shown.id} · hq"
    assert [mix.shape for mix in call.mixes] == [(2, 96_000)] * 3
    assert 0.1 < max(float(np.abs(mix).max()) for mix in call.mixes) < 1


def test_default_folder_is_the_samples_own(tmp_path: Path, drawn: list[Drawn]):
    run = Path(a_run(tmp_path / "run", n_samples=1, n_rejects=0).place)
    shown = show_sample(run)
    assert shown.folder == run / "show" / a_sample(0).id
    assert names_in(shown.folder) == set(FILES)
    assert Run(run).delete_leftovers() == []


def test_folder_that_is_not_empty_is_left_alone(made: Path, tmp_path: Path, drawn: list[Drawn]):
    (tmp_path / "turn-9.flac").write_bytes(b"of another sample")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError) as caught:
        show_sample(made, out=tmp_path)
    assert (caught.value.field, str(tmp_path) in str(caught.value)) == ("out", True)
    assert names_in(tmp_path) == {"turn-9.flac", "notes.txt"}
    show_sample(made, out=tmp_path, force=True)
    assert names_in(tmp_path) == {*FILES, "notes.txt"}


def test_file_in_the_way(made: Path, tmp_path: Path, drawn: list[Drawn]):
    (tmp_path / "file").write_text("")
    for folder, fault in (
        (tmp_path / "file", "not a folder"),
        (tmp_path / "file" / "below", "Not a directory"),
    ):
        with pytest.raises(UserError, match=fault) as caught:
            show_sample(made, out=folder, force=True)
        assert caught.value.field == "out"


def test_missing_extra_is_reported_before_anything_is_written(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError) as caught:
        show_sample(made, out=tmp_path / "out")
    assert caught.value.extra == "view"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A heavy, wooden door!", "a-heavy-wooden-door"),
        ("Don't go to the café", "dont-go-to-the-cafe"),
        ("one two three four five six seven eight nine ten", "one-two-three-four-five-six-seven-eight"),
        ("x" * 50, "x" * 40),
        ("../../etc", "etc"),
        ("雨", ""),
    ],
)
def test_slug(text: str, expected: str):
    assert slugify(text) == expected


@given(st.text())
def test_slug_is_safe_in_a_file_name(text: str):
    assert set(slugify(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(slugify(text)) <= 40


def test_list_lanes_every_turn():
    dialogue = a_dialogue(Seed("s", "text"))
    story, louder, replaced = (
        [(lane.element.id, lane.mark, sorted(lane.fields)) for lane in list_lanes(dialogue, k)]
        for k in range(3)
    )
    assert story == [(1, None, []), (2, None, []), (3, None, [])]
    assert louder == [(1, None, []), (2, "changed", ["loudness"]), (3, None, [])]
    assert replaced == [(1, None, []), (2, None, []), (3, "removed", []), (4, "added", [])]
    door = list_lanes(dialogue, 1)[1]
    assert (door.value_before("loudness"), door.element.loudness, door.value_before("panning")) == (
        -18.0,
        -12.0,
        None,
    )
    assert Lane(door.element).value_before("loudness") is None


@pytest.mark.parametrize(
    ("panning", "text"), [(0, "C"), (-0.0, "C"), (0.004, "C"), (-0.6, "L60"), (1, "R100"), (0.155, "R16")]
)
def test_panning_text(panning: float, text: str):
    assert format_panning(panning) == text


def test_numbers_are_short():
    assert [format_loudness(x) for x in (-28.0, -12.54, 0.0, -0.04)] == [
        f"{MINUS}28",
        f"{MINUS}12.5",
        "0",
        "0",
    ]
    assert [format_number(x) for x in (1.0, 0.25, 12.345, -3.0)] == ["1", "0.25", "12.35", f"{MINUS}3"]


def test_spectrogram_of_a_sine_reads_its_level_at_its_pitch():
    seconds = np.arange(48_000) / 48_000
    sine = 0.5 * np.sin(2 * np.pi * 200 * seconds)
    levels = compute_spectrogram(np.stack([sine, -sine]).astype(np.float32), 10)
    assert levels.shape == (220, 10)
    pitches_hz = np.geomspace(50, 20_000, 220)
    middle = levels[:, 5]
    assert pitches_hz[int(middle.argmax())] == pytest.approx(200, rel=0.03)
    assert float(middle.max()) == pytest.approx(-6.02, abs=0.5)
    assert float(middle[pitches_hz > 600].max()) < -90


def test_spectrogram_of_noise_is_level():
    noise = np.random.default_rng(5).standard_normal((2, 480_000)).astype(np.float32) * 0.1
    bands = 10 * np.log10((10 ** (compute_spectrogram(noise, 400) / 10)).mean(axis=1))
    # The mean square of the noise, of which a bandwidth of 1.5 bins of the window is seen; a sine has half.
    expected = 10 * np.log10(0.01 * 2 * 2 * 1.5 / 2048)
    assert np.abs(bands[20:] - expected).max() < 1.0


def test_spectrogram_places_a_click_in_time():
    audio = np.zeros((2, 96_000), dtype=np.float32)
    audio[:, 72_000] = 1.0
    loudest = compute_spectrogram(audio, 100).max(axis=0)
    assert set(np.flatnonzero(loudest > -100)) == {74, 75}
    assert float(loudest[0]) == pytest.approx(-140, abs=0.1)


def edited(scene: Scene, *edits: tuple[str, list[Operation]]) -> Dialogue:
    turns = [Turn(task="story", user="A $tory, 雨 \\frac & ^x_", description="d", operations=(), scene=scene)]
    for task, operations in edits:
        scene = apply(scene, operations)
        turns.append(
            Turn(task=task, user="word " * 80, description="d", operations=tuple(operations), scene=scene)
        )
    return Dialogue(seed_id="s/1", seed_text="long " * 60, turns=tuple(turns))


def a_sound(number: int, **fields: float) -> SoundElement:
    known = {"loudness": -20, "panning": 0.1, "start_time": 0.5 * number, "duration": 1.0}
    return SoundElement(id=number, role="effect", text=f"sound $ {number} of many", **known | fields)


def size_of(png: bytes) -> tuple[int, int]:
    assert png[12:16] == b"IHDR"
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_picture_is_the_same_each_time_whatever_the_users_style():
    import matplotlib as mpl

    dialogue = edited(Scene(elements=(a_sound(0),)))
    mix = np.full((2, 48_000), 0.01, dtype=np.float32)
    first = draw_timeline(dialogue, [mix], "name")
    style = {"font.size": 30, "savefig.bbox": "tight", "axes.facecolor": "red", "lines.linewidth": 9}
    with mpl.rc_context(style):
        assert draw_timeline(dialogue, [mix], "name") == first
    assert draw_timeline(dialogue, [mix * 2], "name") != first


def test_picture_grows_with_its_lanes_and_takes_any_text():
    scene = Scene(elements=tuple(a_sound(k, start_time=1.4 * k) for k in range(20)))
    edit: list[Operation] = [
        Remove(id=2),
        Change(id=3, loudness=-30, panning=-1, start_time=0, duration=8),
        Change(id=19, panning=1.0, duration=3.0),
    ]
    silence = np.zeros((2, 48_000), np.float32)
    width, height = size_of(draw_timeline(edited(Scene(elements=(a_sound(0),))), [silence], "n"))
    assert width == 1800
    # Nineteen more lanes of 0.27 inches in each of two turns, at 180 pixels an inch.
    taller = size_of(draw_timeline(edited(scene, ("open", edit)), [silence, silence], "n"))[1]
    assert taller > height + 2 * 19 * 0.27 * 180


def test_a_turn_without_sound_has_its_place_in_the_picture():
    scene = Scene(elements=(a_sound(0),))
    dialogue = edited(scene, ("remove", [Remove(id=0)]))
    silence, nothing = np.zeros((2, 48_000), np.float32), np.zeros((2, 0), np.float32)
    picture = draw_timeline(dialogue, [silence, nothing], "n")
    assert size_of(picture) == size_of(draw_timeline(dialogue, [silence, silence], "n"))
    assert size_of(picture)[1] > size_of(draw_timeline(edited(scene), [silence], "n"))[1]


def test_text_is_cut_and_wrapped_to_its_room():
    pytest.importorskip("matplotlib")
    with open_canvas(10, what="a test") as canvas:
        text = "a fairly long caption of some sound"
        assert canvas.shorten(text, 8, 9) == text
        cut = canvas.shorten(text, 8, 1.0)
        assert cut.endswith("…")
        assert canvas.measure_text(cut, 8) <= 1.0 < canvas.measure_text(text[: len(cut) + 1] + "…", 8)
        lines = canvas.wrap("one two three " * 20, 11, 3.0, 3)
        assert len(lines) == 3
        assert all(canvas.measure_text(line, 11) <= 3.0 for line in lines)
        assert lines[2].endswith("…")
        assert canvas.wrap("short", 11, 3.0, 3) == ["short"]
        assert canvas.measure_text("雨", 8) == canvas.measure_text("□", 8)


def printed(shown: ShownSample) -> str:
    console = Console(width=200, file=io.StringIO())
    print_sample(shown, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_dialogue_is_printed_turn_by_turn(made: Path, tmp_path: Path, drawn: list[Drawn]):
    shown = show_sample(made, SEED_ID, tmp_path)
    lines = [" ".join(line.split()) for line in printed(shown).splitlines()]
    for expected in (
        f"{shown.id} hq",
        "seed test/0001: line 1 of the test",
        "Turn 1 volume",
        "“Make the door louder.”",
        f"~ 2 effect a door slams {MINUS}18 → {MINUS}12 L50 0.5 0.6",
        f"3 speech “who is there” (woman, female, fearful) {MINUS}15 R20 0.8 1",
        f"- 3 speech “who is there” (woman, female, fearful) {MINUS}15 R20 0.8 1",
        f"+ 4 effect a small bell {MINUS}20 R70 1 0.9",
        f"{len(shown.checks)} of {len(shown.checks)} checks passed",
        str(tmp_path / "timeline.png"),
    ):
        assert expected in lines
    assert sum(line.startswith("Outside a house: steady rain") for line in lines) == 3


def test_failed_checks_and_headroom_are_printed(tmp_path: Path):
    checks = (Check("silence", 1.5, 1.0), Check("true_peak", -3.0, -1.0))
    stems = [{"element_id": 1, "matched": True}, {"element_id": 4, "matched": False}]
    dialogue = a_dialogue(Seed("s", "[bold]x"))
    shown = ShownSample("i", "valid", dialogue, -2.5, checks, tmp_path, (), {"stems": stems})
    lines = printed(shown).splitlines()
    assert "failed silence: 1.5, limit 1" in lines
    assert "1 of 2 checks passed" in lines
    assert any(line.startswith("stand-ins") and line.endswith("4 'a small bell'") for line in lines)
    assert any("2.5 dB quieter" in line for line in lines)
    assert "seed s: [bold]x" in lines


def test_json(made: Path, tmp_path: Path, drawn: list[Drawn], capsys: pytest.CaptureFixture[str]):
    run_show(made, SEED_ID, tmp_path, force=False, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == [str(tmp_path / name) for name in FILES]
    assert said["folder"] == str(tmp_path)
    assert said["seed_id"] == SEED_ID
    assert [turn["task"] for turn in said["turns"]] == ["story", "volume", "replace"]


def test_an_unknown_sample_is_a_user_error(made: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"nobody: not in .*; there are 3 samples, such as"):
        show_sample(made, "nobody", tmp_path / "out")
    assert not (tmp_path / "out").exists()
