"""Music that sustains: strings, pad, choir, organ, drone, brass; chord after chord in one key, in stereo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, phrases, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers

Gain = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _spectrum(slope: float, top_hz: float, peaks: tuple[tuple[float, float, float], ...] = ()) -> Gain:
    """Return amplitudes of harmonics: k^-slope, a second-order low-pass, and resonances (Hz, width, gain)."""

    def gain(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        level = (hz / hz[0]) ** -slope / (1.0 + (hz / top_hz) ** 2)
        body = 1.0 + sum(g * np.exp(-(((hz - centre) / width) ** 2)) for centre, width, g in peaks)
        return np.asarray(level * body)

    return gain


def _chords(
    rng: np.random.Generator,
    n_samples: int,
    gain: Gain,
    *,
    tonic: int,
    pitch: float,
    chord_s: Seconds,
    attack_s: Seconds,
    release_s: Seconds,
    cents: float,
    n_notes: int = 3,
) -> Audio:
    """Imitate a progression of held chords with a bass an octave below, each fading into the next."""
    key = phrases.draw_key(rng, tonic)
    out = np.zeros((2, n_samples), dtype=np.float32)
    n_chord = seconds_to_samples(chord_s + release_s)
    for start_s, root in phrases.chord_roots(key, n_samples / SAMPLE_RATE_HZ, chord_s):
        pitches = (key.chord(root)[0] - 12, *key.close_chord(root, n_notes))
        notes_hz = [phrases.midi_hz(note) * pitch for note in pitches]
        start = seconds_to_samples(start_s)
        n_part = min(n_chord, n_samples - start)
        # The first chord comes sooner, so that the sound starts at once.
        swell = tones.hold(
            n_part, attack_s if start else min(attack_s, 0.35), release_s if n_part == n_chord else 0.01
        )
        out[:, start : start + n_part] += tones.ensemble(rng, n_part, notes_hz, gain, cents=cents) * swell
    return out


def strings(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a string orchestra: many bows on each note, slow swells, chords that lead into each other."""
    gain = _spectrum(
        0.8, 2600.0, ((290.0, 60.0, 0.5), (500.0, 90.0, 0.5), (1200.0, 300.0, 0.6), (2600.0, 700.0, 1.0))
    )
    sound = _chords(
        rng,
        n_samples,
        gain,
        tonic=60,
        pitch=mods.pitch,
        chord_s=3.2 / mods.rate,
        attack_s=0.5,
        release_s=0.6,
        cents=13.0,
    )
    return np.asarray(sound * (1.0 + 0.1 * tones.wobble(rng, n_samples, 5.0)), dtype=np.float32)


def pad(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a synthesizer pad: warm seventh chords without an attack, a filter that opens and closes."""
    gain = _spectrum(1.4, 1100.0)
    sound = _chords(
        rng,
        n_samples,
        gain,
        tonic=52,
        pitch=mods.pitch,
        chord_s=4.0 / mods.rate,
        attack_s=1.3,
        release_s=1.6,
        cents=18.0,
        n_notes=4,
    )
    air = _chords(
        rng,
        n_samples,
        _spectrum(0.9, 5000.0),
        tonic=76,
        pitch=mods.pitch,
        chord_s=60.0,
        attack_s=2.0,
        release_s=0.5,
        cents=25.0,
    )
    return sound + air * np.float32(0.05) * dsp.drift(rng, n_samples, 0.3)


def choir(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a choir on "ah": many voices on each note, shaped by the formants of the vowel."""
    vowel = ((780.0, 130.0, 5.0), (1180.0, 150.0, 3.0), (2850.0, 260.0, 1.6), (3700.0, 350.0, 0.8))
    sound = _chords(
        rng,
        n_samples,
        _spectrum(1.3, 2200.0, vowel),
        tonic=55,
        pitch=mods.pitch,
        chord_s=3.4 / mods.rate,
        attack_s=0.45,
        release_s=0.7,
        cents=24.0,
        n_notes=4,
    )
    return tones.room(sound, size=0.9, wet=0.25)


def organ(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pipe organ.

    Steady principals in several octaves and a fifth, a pedal below, a large church.
    """
    stops = {1: 1.0, 2: 0.75, 3: 0.3, 4: 0.5, 6: 0.16, 8: 0.28, 10: 0.05, 12: 0.06, 16: 0.08}

    def gain(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([stops.get(k, 0.012) for k in range(1, len(hz) + 1)])

    sound = _chords(
        rng,
        n_samples,
        gain,
        tonic=55,
        pitch=mods.pitch,
        chord_s=2.2 / mods.rate,
        attack_s=0.04,
        release_s=0.09,
        cents=0.8,
    )
    return tones.room(sound, size=0.95, wet=0.25)


def bass_drone(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a dark drone.

    One very low note and its fifth, detuned so that it breathes, under a haze of noise.
    """
    root_hz = float(rng.uniform(36.0, 52.0)) * mods.pitch
    gain = _spectrum(1.1, 320.0)
    low = tones.ensemble(rng, n_samples, [root_hz, root_hz * 1.5, root_hz * 2.0], gain, cents=9.0)
    haze = dsp.coloured_noise(
        rng, n_samples, ((40.0, -6.0), (140.0, 0.0), (500.0, -14.0), (4000.0, -46.0)), 2
    )
    breath = 0.75 + 0.5 * dsp.drift(rng, n_samples, 0.3)
    return np.asarray((low + haze * np.float32(0.12)) * breath, dtype=np.float32)


def brass(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a brass section: a fanfare in three parts, whose tone brightens as it swells."""
    key = phrases.draw_key(rng, 57)
    dull, bright = dsp.rolloff(24, 11.0), dsp.rolloff(40, 4.0)

    def horn(hz: float, length_s: Seconds) -> Signal:
        n_note = seconds_to_samples(length_s + 0.08)
        swell = tones.hold(n_note, 0.05, 0.1) * tones.line(n_note, [1.0, 0.8, 0.85, 0.95])
        hz_now = tones.vibrato(rng, n_note, hz, rate_hz=5.0, cents=6.0, onset_s=0.4)
        # Brightness grows with pressure: the one trait by which brass is known (Risset and Mathews, 1969).
        soft, loud = tones.tone(hz_now, n_note, dull), tones.tone(hz_now, n_note, bright)
        return np.asarray(swell * (soft + (loud - soft) * swell * swell), dtype=np.float32)

    beat_s = 0.42 / mods.rate
    rhythm = ((1.0, 0.5, 0.5, 2.0), (1.5, 0.5, 1.0, 1.0), (0.5, 0.5, 1.0, 2.0))[int(rng.integers(3))]
    parts: list[list[phrases.Note]] = [[], [], []]
    for start_s, root in phrases.chord_roots(key, n_samples / SAMPLE_RATE_HZ, 4 * beat_s):
        chord = key.close_chord(root)
        beat = 0.0
        for index, beats in enumerate(rhythm):
            for voice in range(3):
                pitch = chord[(voice + index) % 3] + 12 * ((voice + index) // 3)
                parts[voice].append(phrases.Note(start_s + beat * beat_s, beats * beat_s * 0.92, pitch))
            beat += beats

    def section(hz: float, length_s: Seconds) -> Signal:
        return horn(hz * mods.pitch, length_s)

    low, middle, high = (phrases.perform(part, n_samples, section) for part in parts)
    sound = dsp.stereo(
        low + middle * np.float32(0.8) + high * np.float32(0.5),
        high + middle * np.float32(0.8) + low * np.float32(0.5),
    )
    return tones.room(sound, size=0.7, wet=0.15)


RECIPES = (
    Recipe(
        "strings",
        strings,
        heads="""strings, string section, string orchestra, orchestra, orchestral strings, string
            quartet, symphony, orchestral, swelling strings, string music, film score, string ensemble,
            legato strings, tremolo strings, sustained strings, chamber music, string pad, orchestral
            swell, cinematic score, sweeping strings, double bass section, tense strings, low strings,
            orchestra tuning, violin section, violins and cellos, violas""",
        hints="music, score, romantic, waltz, melody, cinematic, underscore, suspense",
        never="solo violin, guitar strings, piano, guitar, harp, broken string, brass section, tuba, banjo",
        is_texture=True,
    ),
    Recipe(
        "pad",
        pad,
        heads="""pad, synth pad, ambient pad, synthesizer, ambient music, synth, warm pad, ambient synth,
            dreamy synth, electronic music, ethereal pad, shimmering pad, soft pad, synth music, dreamy
            music, chillout, lo-fi, atmospheric music, airy pad, meditative music, background music,
            electronic pad, synthwave, ethereal music, new age music, space music""",
        hints="ambient, dreamy, ethereal, electronic, atmospheric, music, meditative, wonder, mysterious",
        never="""notepad, launch pad, landing pad, drum pad, piano, guitar, string, key pad, choir, organ,
            harp, flute""",
        is_texture=True,
    ),
    Recipe(
        "choir",
        choir,
        heads="""choir, choral, chorus, chant, monk chanting, gregorian chant, voices singing, singing choir,
            hymn, choir + hum, angelic voices, vocal ensemble, monks, chanting, congregation
            singing, choral voices, wordless choir, carol, plainsong""",
        hints="angelic, sacred, vocal, vocalise",
        never="""man, woman, boy, girl, male, female, baby, infant, someone, dawn chorus, bird, frog,
            cricket, insect, crowd, football, fans, protesters, kettle, tea kettle, singing bowl,
            cicada, laugh""",
        is_texture=True,
    ),
    Recipe(
        "organ",
        organ,
        heads="""organ, pipe organ, church organ, cathedral organ, organ music, organ chord, hammond organ,
            organ pipes, harmonium, organist, organ prelude, fairground organ,
            carousel music, fairground music, carousel""",
        hints="church, cathedral, solemn, hymn, music",
        never="mouth organ",
        is_texture=True,
    ),
    Recipe(
        "bass_drone",
        bass_drone,
        heads="""bass drone, drone music, low drone, deep drone, dark drone, ominous drone, sub bass,
            dark ambient, drone, ominous bass, cinematic drone, ominous music, tense music, suspense
            music, eerie music, deep bass, dark ambience, dark music, horror music, eerie drone, ominous
            rumble, ominous tone, suspenseful music, tense drone, brooding music, low bass, bass note,
            sinister music, menacing bass, bass hum""",
        hints="ominous, tense, dark, bass, suspense, sinister, eerie, brooding, dread, menacing",
        never="""drone flying, quadcopter, bass drum, jazz, insect, cicada, bee, walking bass, bass guitar,
            traffic, engine""",
        is_texture=True,
    ),
    Recipe(
        "brass",
        brass,
        heads="""brass, trumpet, fanfare, trombone, french horn, brass band, brass section, tuba, cornet,
            bugle, marching band, horn section, brass + chord, brass + swell, military band, trumpet call,
            parade band, heroic brass, euphonium, hunting horn, war horn, battle horn, alpine horn,
            alphorn, horn + brass, conch""",
        hints="march, parade, heroic, triumphant, royal, music, band",
        never="""brass knuckles, brass key, brass handle, brass lamp, brass knob, brass gong, brass telescope,
            handbell, bell, brass band jazz""",
        is_texture=True,
    ),
)
