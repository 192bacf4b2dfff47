"""The renderer of a library: real recordings, exactly as long as asked, with their rights."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest
import soundfile as sf
from helpers.recordings import SOUNDS, TAKES, write_sounds

from copilot.errors import UserError
from copilot.stem import SoundSpec, make_stem
from renderers.contract import Renderer, RenderFailure, RenderRequest, get_info
from renderers.library import reading
from renderers.library.renderer import LibraryRenderer, LibrarySettings
from renderers.registry import create

RATE = 48_000


def noise(seconds, seed=0, channels=1, rate=RATE):
    return (0.1 * np.random.default_rng(seed).standard_normal((int(seconds * rate), channels))).astype(
        np.float32
    )


def folder_of(path, sounds, rate=RATE):
    """A library of sounds by label; what is bytes is written as it is."""
    path.mkdir(parents=True, exist_ok=True)
    lines = ["file,label,licence"]
    for place, (label, sound) in enumerate(sounds):
        name = f"{place}.wav"
        lines.append(f"{name},{label},CC0")
        if isinstance(sound, bytes):
            (path / name).write_bytes(sound)
        else:
            sf.write(path / name, sound, rate, subtype="FLOAT")
    (path / "index.csv").write_text("\n".join(lines))
    return path


def of(path, **settings):
    return LibraryRenderer(LibrarySettings(folder=str(path), **settings))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("library") / "sounds")


@pytest.fixture(scope="module")
def renderer(recordings):
    renderer = of(recordings)
    renderer.prepare()
    yield renderer
    renderer.close()


def test_it_keeps_the_contract(renderer):
    assert isinstance(renderer, Renderer)
    assert (renderer.name, renderer.tool, get_info(renderer).target) == ("library", "sfx", "folder")
    assert renderer.voices() == ()
    assert renderer.problems == ()


@pytest.mark.parametrize("duration_s", [0.05, 1.0, 2.3719, 5.0, 12.0])
def test_stems_are_exactly_as_long_as_requested(renderer, duration_s):
    for seed, caption in enumerate(["rain", "a dog barks", "a rooster crows", "waves on the shore"]):
        (sound,) = renderer.render([RenderRequest(caption, duration_s, seed)])
        assert sound.matched
        spec = SoundSpec("sfx", caption, duration_s, seed, renderer.fingerprint())
        stem = make_stem(spec, sound.audio, sound.rate_hz)
        assert stem.audio.shape == (1, round(duration_s * RATE))


def test_the_detail_names_what_was_used(renderer, recordings):
    (sound,) = renderer.render([RenderRequest("a dog barks", 2.0, 7)])
    detail = sound.detail
    assert detail["licence"] == "CC0"
    assert detail["source"] == f"https://example.org/{detail['file']}"
    assert detail["sha256"] == hashlib.sha256((recordings / detail["file"]).read_bytes()).hexdigest()
    assert detail["kind"] == "event"
    assert set(detail) == {"file", "licence", "author", "source", "kind", "from_s", "sha256", "event_s"}


def test_the_seed_draws_the_take_and_equal_requests_are_equal(renderer, recordings):
    requests = [RenderRequest("rain", 1.0, seed) for seed in range(40)]
    first, again = renderer.render(requests), of(recordings).render(requests[::-1])[::-1]
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(first, again, strict=True))
    assert len({sound.detail["file"] for sound in first}) == TAKES


def test_nothing_fitting_is_neutral_noise(renderer):
    one, same, other = renderer.render([RenderRequest("soft piano melody", 1.5, seed) for seed in (1, 1, 2)])
    assert (one.matched, one.audio.shape, one.rate_hz) == (False, (2, 72_000), 48_000)
    assert one.detail == {"recipe": "neutral_noise"}
    assert np.array_equal(one.audio, same.audio)
    assert not np.array_equal(one.audio, other.audio)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 1e-9, 601.0, float("nan"), float("inf")])
def test_no_duration_is_a_failure(renderer, duration_s):
    (failure,) = renderer.render([RenderRequest("rain", duration_s, 1)])
    assert failure.reason == "bad-duration"


def test_the_detail_names_the_start_in_the_file(tmp_path):
    sound = np.concatenate([np.zeros((RATE, 1), np.float32), noise(0.5)])
    (given,) = of(folder_of(tmp_path, [("knock", sound)])).render([RenderRequest("a knock", 2.0, 1)])
    assert given.detail["from_s"] == "1.000"
    assert given.audio[:, 1000:20_000].any()


def knock(seconds):
    """One loud moment at the begin of much quieter noise."""
    sound = noise(seconds) * np.float32(0.001)
    sound[: RATE // 10] *= 1000
    return sound


def test_the_detail_names_the_duration_of_an_event(tmp_path):
    renderer = of(folder_of(tmp_path, [("knock", knock(3.0))]))
    short, long = renderer.render([RenderRequest("a knock", seconds, 1) for seconds in (2.0, 8.0)])
    assert "event_s" not in short.detail
    assert long.detail["event_s"] == "3.000"
    assert long.matched
    assert not long.audio[:, 3 * RATE :].any()


def test_among_equals_one_that_fills_the_duration_is_preferred(tmp_path):
    sounds = [("knock", knock(2.0)), ("knock", knock(9.0)), ("knock", knock(1.0)), ("knock", knock(1.9))]
    renderer = of(folder_of(tmp_path, sounds))

    def taken(duration_s):
        given = renderer.render([RenderRequest("a knock", duration_s, seed) for seed in range(30)])
        return {sound.detail["file"] for sound in given}

    assert taken(8.0) == {"1.wav"}
    assert taken(2.0) == {"0.wav", "1.wav", "3.wav"}  # 0.1 s of silence is no gap
    assert taken(20.0) == {"0.wav", "1.wav", "2.wav", "3.wav"}


def test_every_setting_is_described():
    fields = LibrarySettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []


def test_a_file_that_cannot_be_decoded_gives_way_to_the_next(tmp_path):
    silent, bad = np.zeros((100, 1), np.float32), np.full((100, 1), np.nan, np.float32)
    sounds = [
        ("rain", b"no sound"),
        ("rain", silent),
        ("rain", bad),
        ("rain", noise(3.0)),
        ("sea", b"broken"),
    ]
    renderer = of(folder_of(tmp_path, sounds))
    for seed in range(8):
        (sound,) = renderer.render([RenderRequest("rain", 1.0, seed)])
        assert sound.detail["file"] == "3.wav"
    rain, sea = renderer.render([RenderRequest("rain", 1.0, 1), RenderRequest("the sea", 1.0, 1)])
    assert rain.matched
    assert isinstance(sea, RenderFailure)
    assert sea.reason == "bad-recording"
    assert sea.detail.startswith("4.wav cannot be decoded (")
    assert sea.detail.endswith("repair them, or remove them from the index")


def test_a_recording_with_an_absurd_header_gives_way_to_the_next(tmp_path):
    """A rate of 1 Hz, a constant level, an end that is missing; a length of 0, which is corrected."""
    folder = folder_of(tmp_path, [("rain", noise(3.0, n)) for n in range(3)] + [("sea", noise(3.0))])
    sf.write(tmp_path / "0.wav", noise(3.0), 1)
    sf.write(tmp_path / "1.wav", np.full((RATE, 1), 0.5), RATE)
    whole = (tmp_path / "2.wav").read_bytes()
    (tmp_path / "2.wav").write_bytes(whole[:-1_000])
    whole = (tmp_path / "3.wav").read_bytes()
    at = whole.index(b"data") + 4
    (tmp_path / "3.wav").write_bytes(whole[:at] + bytes(4) + whole[at + 4 :])
    rain, sea = of(folder).render([RenderRequest("rain", 1.0, 1), RenderRequest("sea", 1.0, 1)])
    assert isinstance(rain, RenderFailure)
    assert rain.reason == "bad-recording"
    assert {part.split()[0] for part in rain.detail.split("; ")[:3]} == {"0.wav", "1.wav", "2.wav"}
    assert sea.detail["file"] == "3.wav"


def test_if_none_of_the_best_can_be_used_the_next_best_are(tmp_path):
    sounds = [("steady rain", b"broken")] * 6 + [("rain", noise(3.0)), ("sea", noise(3.0))]
    for seed in range(4):
        (sound,) = of(folder_of(tmp_path, sounds)).render([RenderRequest("steady rain", 1.0, seed)])
        assert sound.detail["file"] == "6.wav"


def test_an_error_of_arithmetic_names_the_file_and_tries_the_next(tmp_path, monkeypatch):
    from renderers.library import renderer as module

    def fail_on_short(recording, *others):
        if recording.shape[1] < 2 * RATE:
            raise ZeroDivisionError("division by zero")
        return fitted(recording, *others)

    fitted = module.fit
    monkeypatch.setattr(module, "fit", fail_on_short)
    sounds = [("rain", noise(1.0)), ("rain", noise(3.0)), ("sea", noise(1.0))]
    renderer = of(folder_of(tmp_path, sounds))
    rain, sea = renderer.render([RenderRequest("rain", 1.0, 1), RenderRequest("sea", 1.0, 1)])
    assert rain.detail["file"] == "1.wav"
    assert (sea.reason, sea.detail.split()[0]) == ("bad-recording", "2.wav")


@pytest.mark.parametrize("n_samples", [1, 2, 7, 100])
def test_a_recording_of_a_moment_is_a_sound(tmp_path, n_samples):
    (sound,) = of(folder_of(tmp_path, [("click", noise(1.0)[:n_samples])])).render(
        [RenderRequest("a click", 1.0, 1)]
    )
    assert isinstance(sound, RenderFailure) if n_samples == 1 else sound.audio.shape == (1, RATE)


def test_recordings_that_cannot_be_used_are_problems(tmp_path):
    long = long_with(275.2)
    sounds = [
        ("rain", b"broken"),
        ("sea", np.full((100, 1), np.nan, np.float32)),
        ("wind", noise(1.0)),
        ("bell", long),
    ]
    folder = folder_of(tmp_path, sounds)
    sf.write(tmp_path / "2.wav", noise(1.0), RATE, format="FLAC")
    whole = (tmp_path / "2.wav").read_bytes()
    (tmp_path / "2.wav").write_bytes(whole[: len(whole) // 2])
    assert [problem.split()[0] for problem in of(folder).problems] == ["0.wav", "1.wav", "2.wav"]


@pytest.mark.parametrize(("channels", "given"), [(1, 1), (2, 2), (4, 1), (6, 1)])
def test_stereo_stays_and_more_channels_become_one(tmp_path, channels, given):
    (sound,) = of(folder_of(tmp_path, [("rain", noise(3.0, channels=channels))])).render(
        [RenderRequest("rain", 1.0, 1)]
    )
    assert sound.audio.shape == (given, 48_000)
    assert sound.audio.any()


def test_of_a_very_long_recording_a_part_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_MOST_READ_S", 4.0)
    renderer = of(folder_of(tmp_path, [("rain", noise(30.0))]))
    starts = [
        float(s.detail["from_s"]) for s in renderer.render([RenderRequest("rain", 2.0, n) for n in range(20)])
    ]
    assert min(starts) < 8.0
    assert 18.0 < max(starts) < 28.0


def long_with(*bells_s, rate=8_000):
    """Five minutes of digital silence with short bells in it, of equal energy."""
    sound = np.zeros((300 * rate, 1), np.float32)
    for at_s in bells_s:
        sound[int(at_s * rate) : int((at_s + 0.5) * rate)] = noise(0.5, rate=rate)
    return sound


def test_of_a_very_long_recording_the_loud_part_is_read(tmp_path):
    renderer = of(folder_of(tmp_path, [("bell", long_with(275.2))], rate=8_000))
    for given in renderer.render([RenderRequest("a bell", 2.0, seed) for seed in range(10)]):
        assert (given.detail["from_s"], given.detail["event_s"]) == ("275.200", "0.500")


def test_the_seed_draws_among_parts_that_are_as_loud(tmp_path, monkeypatch):
    sound = long_with(20.2, 150.2, 298.2) + 0.3 * long_with(250.2)
    renderer = of(folder_of(tmp_path, [("bell", sound)], rate=8_000))
    scans = []
    scanned = reading.measure_energies
    monkeypatch.setattr(reading, "measure_energies", lambda file: scans.append(file.name) or scanned(file))
    # No two bells are in one part of a little more than their distance.
    monkeypatch.setattr(reading, "_MOST_READ_S", 40.0)
    given = renderer.render([RenderRequest("a bell", 1.0, seed) for seed in range(20)])
    assert {sound.detail["from_s"] for sound in given} == {"20.200", "150.200", "298.200"}
    assert len(scans) == 1


def test_a_second_of_nan_in_a_very_long_recording_is_not_its_loud_part(tmp_path):
    sound = long_with(275.2)
    sound[8_000:9_000] = np.nan
    sound[20_000] = np.inf
    (given,) = of(folder_of(tmp_path, [("bell", sound)], rate=8_000)).render(
        [RenderRequest("a bell", 2.0, 1)]
    )
    assert given.detail["from_s"] == "275.200"


def test_the_recordings_rate_is_kept(tmp_path):
    renderer = of(folder_of(tmp_path, [("rain", noise(3.0, rate=22_050))], rate=22_050))
    (sound,) = renderer.render([RenderRequest("rain", 5.0, 1)])
    assert (sound.rate_hz, sound.audio.shape) == (22_050, (1, 110_250))


def test_the_fingerprint_is_of_the_content_and_not_of_the_place(tmp_path):
    one = folder_of(tmp_path / "one", [("rain", noise(3.0)), ("sea", noise(3.0, 1))])
    first = of(one).fingerprint()
    shutil.copytree(one, tmp_path / "two")
    assert of(tmp_path / "two").fingerprint() == first
    # As long as before, and in place: only the samples are others.
    sf.write(one / "1.wav", noise(3.0, 2), RATE, subtype="FLOAT")
    changed = of(one).fingerprint()
    assert {name for name in first if first[name] != changed[name]} == {"index"}
    (one / "index.csv").write_text((one / "index.csv").read_text().replace("sea", "surf"))
    assert of(one).fingerprint()["index"] not in {first["index"], changed["index"]}


def test_all_that_a_stem_tells_of_a_recording_is_in_the_fingerprint(tmp_path):
    folder = folder_of(tmp_path, [("rain", noise(3.0))])

    def told(row):
        (folder / "index.csv").write_text(f"file,label,licence,author,source,kind\n{row}\n")
        renderer = of(folder)
        (sound,) = renderer.render([RenderRequest("rain", 1.0, 1)])
        return dict(sound.detail), renderer.fingerprint()["index"]

    detail, index = told("0.wav,rain,CC BY 4.0,Ann,http://x/1,event")
    assert told("0.wav,rain,cc-by-4.0,Ann,http://x/1,event") == (detail, index)
    for row in (
        "0.wav,rain,CC BY 3.0,Ann,http://x/1,event",
        "0.wav,rain,CC BY 4.0,Ben,http://x/1,event",
        "0.wav,rain,CC BY 4.0,Ann,http://x/2,event",
        "0.wav,rain,CC BY 4.0,Ann,http://x/1,texture",
    ):
        other, changed = told(row)
        assert other != detail
        assert changed != index


@pytest.mark.parametrize("n_bytes", [1, 65_536, 65_537, 400_000, 2**20 - 1, 2**20])
def test_any_edit_of_a_file_up_to_1_mib_changes_its_digest(tmp_path, n_bytes):
    content = bytearray(np.random.default_rng(1).bytes(n_bytes))
    (tmp_path / "a.wav").write_bytes(content)
    digests = {reading.hash_content(tmp_path / "a.wav")}
    places = np.unique(np.linspace(0, n_bytes - 1, 37).astype(int)).tolist()
    for place in places:
        content[place] ^= 1
        (tmp_path / "a.wav").write_bytes(content)
        digests.add(reading.hash_content(tmp_path / "a.wav"))
        content[place] ^= 1
    assert len(digests) == len(places) + 1


def test_of_larger_files_even_parts_and_the_size_are_in_the_digest(tmp_path):
    content = bytearray(np.random.default_rng(1).bytes(3 * 2**20))
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    before = reading.hash_content(path)
    # 16 blocks, one in every 205 kB: no edit of 256 KiB falls between them.
    for start in range(0, len(content), 2**18):
        edited = content.copy()
        edited[start : start + 2**18] = bytes(2**18)
        path.write_bytes(edited)
        assert reading.hash_content(path) != before
    path.write_bytes(content + b"x")
    assert reading.hash_content(path) != before


def test_a_recording_that_is_gone_before_its_digest_is_reported(tmp_path):
    renderer = of(folder_of(tmp_path, [("rain", noise(1.0))]))
    renderer.prepare()
    (tmp_path / "0.wav").unlink()
    with pytest.raises(UserError, match=r"0.wav: cannot be read \(No such file or directory\)"):
        renderer.fingerprint()
    renderer.close()


def test_licences_are_in_the_fingerprint_however_they_are_spelt(tmp_path):
    folder = folder_of(tmp_path, [("rain", noise(3.0))])
    assert of(folder).fingerprint()["licences"] == "all"
    told = [of(folder, licences=given).fingerprint() for given in ("cc0, CC BY", ["CC-BY", "CC0"])]
    assert told[0] == told[1]
    assert told[0]["licences"] == "CC-BY,CC0"


def test_it_is_made_from_the_command_lines_words(recordings):
    renderer = create(f"library:{recordings}", "sfx", {"licences": "CC0,CC-BY"})
    renderer.prepare()
    renderer.close()
    with pytest.raises(UserError, match="give library:FOLDER"):
        create("library", "sfx")
    with pytest.raises(UserError, match=r"licences=',': .*names no licence; give some, such as"):
        create(f"library:{recordings}", "sfx", {"licences": ","})
    n = TAKES * len(SOUNDS)
    with pytest.raises(UserError, match=rf"no recording is under CC-BY; available: CC0 \({n}\)"):
        create(f"library:{recordings}", "sfx", {"licences": "CC-BY"}).prepare()
