"""Many people at once: crowds that talk, whisper, cheer and clap, and children at play."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, tones, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_MURMUR = ((60.0, -30.0), (150.0, -8.0), (400.0, 0.0), (900.0, -7.0), (2500.0, -18.0), (8000.0, -40.0))
_VOWEL_NAMES = sorted(voices.VOWELS)
_SIBILANTS_HZ = np.geomspace(2200.0, 4500.0, 6)
_PHRASE_SAMPLES = seconds_to_samples(1.1)
_PITCHES_HZ = (95.0, 115.0, 130.0, 180.0, 205.0, 230.0)


def _syllable(rng: np.random.Generator, f0_hz: float, tract: float, *, voiced: bool = True) -> dsp.Signal:
    """Imitate one syllable: a consonant of noise, then a vowel on a falling or rising pitch."""
    vowel = voices.VOWELS[_VOWEL_NAMES[int(rng.integers(len(_VOWEL_NAMES)))]]
    formants = voices.scale_formants(vowel, tract)
    freq_hz = voices.glide(
        rng.uniform(0.11, 0.24),
        (0.0, f0_hz * rng.uniform(0.95, 1.12)),
        (1.0, f0_hz * rng.uniform(0.85, 1.05)),
    )
    n_vowel = len(freq_hz)
    sound = (
        voices.cry(freq_hz, formants, tilt_db=5.5) if voiced else voices.breath(rng, n_vowel, formants) * 0.3
    )
    out = sound * voices.hold(n_vowel, 0.035, 0.07)
    if rng.random() < (0.3 if voiced else 0.6):
        low_hz = float(rng.choice(_SIBILANTS_HZ))
        hiss = dsp.noise_burst(rng, seconds_to_samples(0.06), low_hz, low_hz * 2.0, attack_s=0.02, t60_s=0.12)
        dsp.add_at(out, 0, hiss, 0.1 if voiced else 0.35)
    return out


def _talk(
    rng: np.random.Generator, n_samples: int, n_talkers: int, syllables: list[dsp.Signal], rate: float
) -> Audio:
    """Imitate talkers side by side: each speaks four to five syllables a second, in phrases with pauses."""
    per_talker = max(len(syllables) // len(_PITCHES_HZ), 1)
    times, kinds, gains, pans = [], [], [], []
    for talker in range(n_talkers):
        start_s = 0.01 if talker < 3 else float(rng.uniform(0.0, 0.6))
        at = dsp.regular_times(rng, n_samples, rng.uniform(0.19, 0.25) / rate, jitter=0.3, start_s=start_s)
        speaking = rng.random(n_samples // _PHRASE_SAMPLES + 1) < 0.75
        at = at[speaking[at // _PHRASE_SAMPLES] | (np.arange(len(at)) == 0)]
        times.append(at)
        kinds.append((talker % len(_PITCHES_HZ)) * per_talker + rng.integers(0, per_talker, len(at)))
        gains.append(dsp.lognormal_gains(rng, len(at), 3.0) * np.float32(rng.uniform(0.3, 1.0)))
        pans.append(np.full(len(at), rng.uniform(-1.0, 1.0)))
    at, kind, gain = np.concatenate(times), np.concatenate(kinds), np.concatenate(gains)
    return dsp.scatter_panned(n_samples, at, gain, syllables, kind, pan=np.concatenate(pans))


def _spoken(rng: np.random.Generator, middle_hz: float, tract: float) -> dsp.Signal:
    """Imitate a syllable of one person among many: a pitch of their own, a vowel that becomes another."""
    middle_hz *= float(np.exp(rng.normal(0.0, 0.33)))
    freq_hz = voices.glide(
        rng.uniform(0.1, 0.26),
        (0.0, middle_hz * rng.uniform(0.87, 1.43)),
        (1.0, middle_hz * rng.uniform(0.57, 1.13)),
    )
    freq_hz = voices.with_jitter(rng, freq_hz, 0.015, 40.0)
    tract *= rng.uniform(0.94, 1.06)
    vowels = [
        voices.scale_formants(voices.VOWELS[_VOWEL_NAMES[int(index)]], tract)
        for index in rng.integers(len(_VOWEL_NAMES), size=2)
    ]
    vowel = voices.morph([voices.cry(freq_hz, formants, tilt_db=5.2) for formants in vowels])
    out = dsp.highpass(vowel * voices.hold(len(vowel), 0.03, 0.07), 260.0)
    if rng.random() < 0.45:
        low_hz = float(rng.choice(_SIBILANTS_HZ))
        hiss = dsp.noise_burst(rng, seconds_to_samples(0.08), low_hz, low_hz * 2.0, attack_s=0.02, t60_s=0.12)
        dsp.add_at(out, 0, hiss, 0.05)
    return out


def crowd(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate babble in a room: forty talkers of all pitches, none to be understood, over a murmur."""
    people = ((120.0, 1.0), (205.0, 1.18)) * 3
    syllables = [
        _spoken(rng, middle_hz * mods.pitch**0.5, tract) for middle_hz, tract in people for _ in range(6)
    ]
    talk = _talk(rng, n_samples, max(round(40 * mods.density**0.6), 10), syllables, mods.rate**0.5)
    murmur = dsp.coloured_noise(rng, n_samples, _MURMUR, 2) * (0.8 + 0.4 * dsp.drift(rng, n_samples, 2.0))
    sound = talk + np.float32(0.04 * dsp.level_rms(talk) * mods.density**0.5) * murmur
    return tones.room(np.asarray(sound, dtype=np.float32), size=0.5, wet=0.1)


def whisper_crowd(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate the same babble without voice: breath and sibilants only."""
    syllables = [_syllable(rng, 150.0, rng.uniform(1.0, 1.2), voiced=False) for _ in range(36)]
    talk = _talk(rng, n_samples, max(round(9 * mods.density**0.6), 3), syllables, mods.rate**0.5)
    air = ((200.0, -20.0), (1000.0, -4.0), (3000.0, 0.0), (9000.0, -14.0))
    return talk + np.float32(0.03) * dsp.coloured_noise(rng, n_samples, air, 2)


def children_playing(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate high, bright calls, squeals and laughter here and there over a playground's babble."""
    syllables = [_syllable(rng, rng.uniform(280.0, 400.0) * mods.pitch, 1.35) for _ in range(36)]
    babble = _talk(rng, n_samples, max(round(9 * mods.density**0.6), 3), syllables, 1.15 * mods.rate**0.5)
    calls = []
    for _ in range(8):
        base_hz = rng.uniform(420.0, 700.0) * mods.pitch
        freq_hz = voices.glide(
            rng.uniform(0.25, 0.6),
            (0.0, 0.85 * base_hz),
            (0.3, 1.2 * base_hz),
            (1.0, rng.uniform(0.8, 1.1) * base_hz),
        )
        tract = voices.scale_formants(voices.VOWELS["aei"[int(rng.integers(3))]], 1.35)
        calls.append(voices.cry(freq_hz, tract, tilt_db=3.5) * voices.hold(len(freq_hz), 0.04, 0.15))
    at = dsp.random_times(rng, n_samples, 2.2 * mods.density, tail_s=0.4)
    shouts = dsp.scatter_stereo(rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 4.0), calls)
    return np.float32(0.5) * babble + np.float32(0.8) * shouts


def _claps(rng: np.random.Generator, n_kinds: int) -> list[dsp.Signal]:
    claps = []
    n_clap = seconds_to_samples(0.03)
    for hz in np.geomspace(850.0, 2300.0, n_kinds).tolist():
        snap = dsp.bandpass(dsp.white(rng, n_clap), hz * 0.6, hz * 2.4) * dsp.pluck(n_clap, 0.0008, 0.03)
        palm = dsp.modes(n_clap, [(hz, 0.012, 0.5), (hz * 0.45, 0.016, 0.4)])
        claps.append(dsp.tail_off(dsp.highpass(snap + palm, 300.0), 0.004))
    return claps


def _clapping(rng: np.random.Generator, n_samples: int, n_people: int, rate: float) -> Audio:
    """Imitate people who clap three to five times a second, each at an own pace, hand shape and place."""
    claps = _claps(rng, 16)
    at = np.concatenate(
        [
            dsp.regular_times(
                rng,
                n_samples,
                0.25 * rng.uniform(0.8, 1.25) / rate,
                jitter=0.12,
                start_s=float(rng.uniform(0.005, 0.2)),
            )
            for _ in range(n_people)
        ]
    )
    return dsp.scatter_stereo(rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 4.0), claps)


def applause(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate some sixty people clapping out of step."""
    return _clapping(rng, n_samples, max(round(60 * mods.density * mods.size), 8), mods.rate)


def cheer(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a roar of open vowels that rises and falls, with single shouts, whistles and clapping."""
    calls = []
    for _ in range(12):
        base_hz = (
            rng.choice(np.array([170.0, 200.0, 310.0, 380.0])) * rng.uniform(0.9, 1.15) * mods.pitch**0.5
        )
        freq_hz = voices.glide(
            rng.uniform(0.6, 1.2),
            (0.0, 0.8 * base_hz),
            (0.25, 1.2 * base_hz),
            (0.7, 1.1 * base_hz),
            (1.0, 0.85 * base_hz),
        )
        tract = voices.scale_formants(
            voices.VOWELS["aeo"[int(rng.integers(3))]], 1.0 if base_hz < 260.0 else 1.17
        )
        voice = voices.cry(voices.with_jitter(rng, freq_hz, 0.03), tract, tilt_db=5.0)
        calls.append(voice * voices.hold(len(freq_hz), 0.15, 0.4))
    n_first = 10
    at = np.concatenate(
        [
            np.floor(rng.uniform(0.0, 0.12, n_first) * SAMPLE_RATE_HZ).astype(np.int64),
            dsp.random_times(rng, n_samples, 22.0 * mods.density),
        ]
    )
    roar = dsp.scatter_stereo(rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 3.0), calls)
    throats = ((150.0, -24.0), (500.0, -4.0), (1000.0, 0.0), (2500.0, -9.0), (8000.0, -30.0))
    surge = 0.6 + 0.4 * dsp.drift(rng, n_samples, 0.5)
    crowd_noise = dsp.coloured_noise(rng, n_samples, throats, 2) * (surge * np.float32(0.9))
    return roar + crowd_noise + np.float32(0.45) * _clapping(rng, n_samples, 14, mods.rate)


RECIPES = (
    Recipe(
        "crowd",
        crowd,
        heads="""crowd, chatter, murmur, babble, people + talk, crowd + murmur, walla, bustle, people +
            chat, hubbub, crowd + chatter, voice + murmur, tavern chatter, audience + murmur, throng,
            diner chatter, bazaar, voices, crowd + mutter, congregation""",
        hints="voice, gathering, chat",
        never="""silent, silently, wait, man, woman, boy, girl, male, female, baby, infant, someone, cheer,
            whisper, applause, clap, laugh, footstep, traffic, child, train, church bell""",
        is_texture=True,
    ),
    Recipe(
        "whisper_crowd",
        whisper_crowd,
        heads="""whisper, whispering crowd, hushed voices, crowd + whisper, audience + whisper, hushed
        whisper, ghostly whisper, people + whisper, hushed conversation, library whisper, hushed murmur""",
        hints="hush, hushed",
        never="man, woman, boy, girl, male, female, baby, infant, someone, leaf, wind, tree, grass",
        is_texture=True,
    ),
    Recipe(
        "children_playing",
        children_playing,
        heads="""child, children + play, kid, playground, schoolyard, child + laugh, child + shout, kid
        + play, school yard, children + laugh, schoolchildren""",
        never="music box, toy",
        is_texture=True,
    ),
    Recipe(
        "applause",
        applause,
        heads="""applause, clap, applaud, ovation, audience + clap, crowd + clap, clapping hands, hand
        clap, round of applause, standing ovation""",
        never="thunder, clapper",
        is_texture=True,
    ),
    Recipe(
        "cheer",
        cheer,
        heads="""cheer, crowd + cheer, crowd + roar, hooray, hurrah, crowd +
        celebrate, fan + cheer, crowd + shout, battle cry, crowd + wild""",
        never="man, woman, boy, girl, male, female, baby, infant, lion, engine, fire, waterfall, child, sea",
        is_texture=True,
    ),
)
