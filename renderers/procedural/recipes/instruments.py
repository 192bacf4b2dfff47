"""Music of single instruments: piano, harp, guitar, music box, flute, violin, accordion, a jazz trio.

What is played is drawn from the seed: a key, a progression, a tune or a figure, and a tempo near the usual.
"""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, phrases, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.phrases import Note
from renderers.procedural.recipes.drumkit import ride_cymbal


def _length_s(n_samples: int) -> Seconds:
    return n_samples / SAMPLE_RATE_HZ


def _piano_note(hz: float, length_s: Seconds) -> Signal:
    """Imitate a struck string.

    Stiff, quickly losing its treble, longer in the bass; the hammer's soft knock.
    """
    note = tones.plucked(
        hz, length_s + 0.12, t60_s=min(1900.0 / hz, 9.0) + 0.9, bright=0.45, at=0.12, stiff=0.0003
    )
    return note * dsp.pluck(len(note), 0.003, 60.0)


def piano(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a piano: broken chords in the left hand, a quiet tune over them in the right."""
    key = phrases.draw_key(rng, 57)
    beat_s = float(rng.uniform(0.5, 0.62)) / mods.rate
    notes = phrases.melody(rng, key, _length_s(n_samples), beat_s)
    right = [Note(note.start_s, note.duration_s + 0.3, note.pitch + 12, 0.9 * note.gain) for note in notes]
    left = []
    for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 4 * beat_s):
        chord = key.close_chord(root)
        figure = (
            key.chord(root)[0] - 24,
            chord[0] - 12,
            chord[1] - 12,
            chord[2] - 12,
            chord[1] - 12,
            chord[2] - 12,
            chord[1] - 12,
            chord[0] - 12,
        )
        left += [
            Note(
                start_s + k * beat_s / 2,
                beat_s * 1.5,
                pitch,
                0.75 if k == 0 else float(rng.uniform(0.35, 0.5)),
            )
            for k, pitch in enumerate(figure)
        ]
    sound = phrases.perform(
        [*right, *left], n_samples, lambda hz, length_s: _piano_note(hz * mods.pitch, length_s)
    )
    return tones.room(dsp.mono(sound), size=0.6, wet=0.15)


def harp(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a harp: chords rolled up and down over three octaves, each string ringing on."""
    key = phrases.draw_key(rng, 48)
    step_s = 0.13 / mods.rate
    notes = []
    for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 16 * step_s):
        chord = key.close_chord(root)
        rising = [pitch + 12 * octave for octave in range(3) for pitch in chord]
        figure = (rising + rising[::-1][1:-1])[:16]
        notes += [
            Note(start_s + k * step_s, 1.8, pitch, (0.85 if k == 0 else 0.6) * float(rng.uniform(0.85, 1.15)))
            for k, pitch in enumerate(figure)
        ]

    def string(hz: float, length_s: Seconds) -> Signal:
        return tones.plucked(hz * mods.pitch, length_s, t60_s=2.6 * (220.0 / hz) ** 0.4, bright=0.3, at=0.35)

    return tones.room(dsp.mono(phrases.perform(notes, n_samples, string)), size=0.7, wet=0.18)


def guitar(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an acoustic guitar: chords picked finger by finger over a walking thumb, in a wooden body."""
    key = phrases.draw_key(rng, 52)
    step_s = float(rng.uniform(0.2, 0.25)) / mods.rate
    pattern = ((0, 2, 3, 1, 4, 2, 3, 1), (0, 2, 1, 3, 0, 4, 3, 2))[int(rng.integers(2))]
    notes = []
    for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 8 * step_s):
        chord = key.close_chord(root)
        strings = (key.chord(root)[0] - 12, *chord, chord[0] + 12)
        notes += [
            Note(
                start_s + k * step_s,
                1.3,
                strings[s],
                (1.0 if s == 0 else 0.7) * float(rng.uniform(0.85, 1.1)),
            )
            for k, s in enumerate(pattern)
        ]

    def string(hz: float, length_s: Seconds) -> Signal:
        return tones.plucked(
            hz * mods.pitch, length_s, t60_s=2.4 * (150.0 / hz) ** 0.5, bright=1.0, at=0.14, stiff=5e-5
        )

    body = (
        (60.0, -9.0),
        (105.0, 3.0),
        (150.0, -1.0),
        (215.0, 3.0),
        (400.0, 0.0),
        (2500.0, 5.0),
        (6000.0, -3.0),
        (15_000.0, -24.0),
    )
    return tones.room(
        dsp.shape_spectrum(dsp.mono(phrases.perform(notes, n_samples, string)), body), size=0.4, wet=0.1
    )


def music_box(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a music box: a small tune on steel tines, high and clear, each with the click of its pin."""
    key = phrases.draw_key(rng, 76)
    beat_s = 0.4 / mods.rate
    notes = phrases.melody(rng, key, _length_s(n_samples), beat_s)
    under = [
        Note(start_s + 2 * k * beat_s, 1.2, key.chord(root)[k] - 12, 0.45)
        for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 4 * beat_s)
        for k in range(2)
    ]
    pin = dsp.noise_burst(rng, 480, 5000.0, 12_000.0, attack_s=0.0003, t60_s=0.006) * np.float32(0.06)

    def tine(hz: float, length_s: Seconds) -> Signal:
        table = tones.partials(hz * mods.pitch, tones.CLAMPED_BAR, 1.4, damping=1.1, tilt=0.9)
        note = dsp.unit(dsp.modes(seconds_to_samples(max(length_s, 1.2)), table))
        note[: len(pin)] += pin
        return dsp.tail_off(note, 0.05)

    return tones.room(dsp.mono(phrases.perform([*notes, *under], n_samples, tine)), size=0.3, wet=0.1)


def flute(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a flute: a slow tune, nearly a sine with breath in it, vibrato on the longer notes."""
    key = phrases.draw_key(rng, 71)
    notes = phrases.melody(rng, key, _length_s(n_samples), float(rng.uniform(0.5, 0.62)) / mods.rate)

    def blown(hz: float, length_s: Seconds) -> Signal:
        n_note = seconds_to_samples(length_s + 0.05)
        swing = tones.vibrato(rng, n_note, hz * mods.pitch, rate_hz=5.2, cents=14.0, onset_s=0.5)
        breath = dsp.bandpass(dsp.white(rng, n_note), hz * mods.pitch * 0.9, hz * mods.pitch * 3.5, 1)
        sound = tones.tone(swing, n_note, (1.0, 0.32, 0.16, 0.06, 0.03)) + breath * np.float32(0.1)
        return sound * tones.hold(n_note, 0.06, 0.08) * tones.line(n_note, [0.8, 1.0, 0.95, 0.85])

    return tones.room(dsp.mono(phrases.perform(notes, n_samples, blown)), size=0.75, wet=0.2)


def violin_solo(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a violin alone: a sung tune with wide vibrato, the rub of the bow, the body's resonances."""
    key = phrases.draw_key(rng, 62)
    notes = phrases.melody(rng, key, _length_s(n_samples), float(rng.uniform(0.55, 0.7)) / mods.rate)

    def bowed(hz: float, length_s: Seconds) -> Signal:
        n_note = seconds_to_samples(length_s + 0.09)
        swing = tones.vibrato(rng, n_note, hz * mods.pitch, rate_hz=5.9, cents=24.0, onset_s=0.35)
        bow = dsp.bandpass(dsp.white(rng, n_note), 1500.0, 6000.0, 1) * np.float32(0.035)
        return (tones.tone(swing, n_note, dsp.rolloff(40, 5.5)) + bow) * tones.hold(n_note, 0.08, 0.14)

    body = (
        *((180.0, -12.0), (280.0, 3.0), (370.0, -2.0), (460.0, 4.0), (560.0, 2.0), (800.0, -5.0)),
        *((1200.0, 0.0), (2400.0, 3.0), (3300.0, 0.0), (5000.0, -10.0), (12_000.0, -28.0)),
    )
    sound = dsp.shape_spectrum(dsp.mono(phrases.perform(notes, n_samples, bowed)), body)
    return tones.room(sound, size=0.7, wet=0.18)


def accordion(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an accordion: a waltz, bass on one and chords on two and three, reeds in pairs that beat."""
    key = phrases.draw_key(rng, 57)
    beat_s = float(rng.uniform(0.36, 0.42)) / mods.rate

    def reeds(hz: float, length_s: Seconds) -> Signal:
        n_note = seconds_to_samples(length_s + 0.03)
        pair = [
            tones.tone(hz * mods.pitch * detune, n_note, dsp.rolloff(20, 6.0)) for detune in (0.9965, 1.0035)
        ]
        return (pair[0] + pair[1]) * tones.hold(n_note, 0.025, 0.04)

    tune, accompaniment = [], []
    degree = 4
    for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 3 * beat_s):
        chord = key.close_chord(root)
        accompaniment.append(Note(start_s, beat_s * 0.8, key.chord(root)[0] - 24, 0.6))
        accompaniment += [
            Note(start_s + k * beat_s, beat_s * 0.5, pitch, 0.22) for k in (1, 2) for pitch in chord
        ]
        degree = min(
            (root + third + octave for third in (0, 2, 4) for octave in (0, 7)), key=lambda d: abs(d - degree)
        )
        for k, beats in ((0, 2), (2, 1)) if rng.random() < 0.5 else ((0, 1), (1, 1), (2, 1)):
            tune.append(Note(start_s + k * beat_s, beats * beat_s * 0.95, key.pitch(degree), 0.6))
            degree += int(rng.choice((-1, 1)))
    sound = phrases.perform([*tune, *accompaniment], n_samples, reeds)
    bellows = 0.9 + 0.15 * tones.wobble(rng, n_samples, 2.0)
    return tones.room(dsp.mono(dsp.highpass(sound, 120.0, 1) * bellows), size=0.4, wet=0.1)


def jazz_combo(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a jazz trio.

    Walking bass in the middle, swung ride cymbal to one side, piano chords to the other.
    """
    key = phrases.draw_key(rng, 53)
    beat_s = float(rng.uniform(0.4, 0.48)) / mods.rate
    swing_s = beat_s * 2.0 / 3.0
    bass, piano_notes, taps = [], [], []
    for start_s, root in phrases.chord_roots(key, _length_s(n_samples), 4 * beat_s):
        chord = key.chord(root, 4)
        walk = (chord[0], chord[1], chord[2], chord[2] + int(rng.choice((-2, -1, 1, 2))))
        bass += [
            Note(start_s + k * beat_s, beat_s * 0.95, pitch - 24, float(rng.uniform(0.8, 1.0)))
            for k, pitch in enumerate(walk)
        ]
        for offset_s in (swing_s, 2 * beat_s + swing_s) if rng.random() < 0.6 else (0.0, beat_s + swing_s):
            piano_notes += [
                Note(start_s + offset_s, beat_s * 0.7, pitch, 0.3) for pitch in key.close_chord(root, 4)
            ]
        taps += [
            start_s + offset_s
            for offset_s in (0.0, beat_s, beat_s + swing_s, 2 * beat_s, 3 * beat_s, 3 * beat_s + swing_s)
        ]

    def bass_string(hz: float, length_s: Seconds) -> Signal:
        return tones.plucked(hz * mods.pitch, length_s, t60_s=1.8, bright=0.25, at=0.25)

    low = phrases.perform(bass, n_samples, bass_string)
    chords = phrases.perform(
        piano_notes, n_samples, lambda hz, length_s: _piano_note(hz * mods.pitch, length_s)
    )
    at = np.array([seconds_to_samples(time_s + 0.01) for time_s in taps], dtype=np.int64)
    ride = dsp.play(
        rng, n_samples, at[at < n_samples], [ride_cymbal(rng) for _ in range(3)], 2.0
    ) * np.float32(0.32)
    chords = chords * np.float32(1.7)
    left = low * np.float32(0.4) + chords + ride * np.float32(0.35)
    right = low * np.float32(0.4) + chords * np.float32(0.35) + ride
    return dsp.stereo(left, right)


RECIPES = (
    Recipe(
        "piano",
        piano,
        heads="""piano, grand piano, upright piano, piano melody, piano music, piano chord, piano notes,
            pianist, honky-tonk, ragtime, piano lullaby, solo piano, saloon piano, keyboard music,
            electric piano, sonata""",
        hints="melody, ballad, nocturne, music, lullaby, melancholy",
    ),
    Recipe(
        "harp",
        harp,
        heads="""harp, harp glissando, lyre, harp + arpeggio, harpist, harp strings, celtic
            harp, glissando""",
        hints="arpeggio, heavenly, dreamy, fairy tale, music",
        never="harpsichord, harpoon",
    ),
    Recipe(
        "guitar",
        guitar,
        heads="""guitar, acoustic guitar, strumming, guitar strum, guitar chord, guitarist, ukulele,
            classical guitar, fingerpicking, spanish guitar, troubadour, bard, folk music, country music,
            steel guitar, electric guitar, minstrel""",
        hints="strum, folk, campfire song, country, music, song, ballad, blues",
    ),
    Recipe(
        "music_box",
        music_box,
        heads="""music box, musical box, lullaby, toy music, jewelry box, clockwork melody, chiming
            melody, nursery rhyme, toy + tune""",
        hints="child, nursery, toy, tinkling, crib, tune",
        never="piano lullaby, hummed lullaby, sung lullaby",
    ),
    Recipe(
        "flute",
        flute,
        heads="""flute, wooden flute, recorder, pan flute, pan pipes, panpipes, pan pipe, tin whistle,
            piccolo, ocarina, bamboo flute, shakuhachi, flautist, flutist, woodwind, pipe melody, shepherd
            pipe, reed pipe, fife, woodwinds""",
        hints="pastoral, melody, music, serene",
        never="tape recorder, voice recorder, kettle",
    ),
    Recipe(
        "violin_solo",
        violin_solo,
        heads="""violin, solo violin, violin solo, fiddle, lone violin, violin melody, violinist,
            fiddler, fiddle tune, gypsy violin, irish fiddle, solo fiddle""",
        hints="melancholy, lament, mournful, reel, jig",
        never="violin section, violins and cellos",
    ),
    Recipe(
        "accordion",
        accordion,
        heads="""accordion, concertina, french musette, sea shanty, musette, squeezebox, accordion waltz,
            bandoneon, polka, tango, parisian waltz""",
        hints="waltz, cafe, paris, shanty, busking, folk, tavern music",
    ),
    Recipe(
        "jazz_combo",
        jazz_combo,
        heads="""jazz, jazz band, jazz trio, jazz music, jazz combo, swing band, jazz quartet, bebop,
            big band, smooth jazz, lounge music, upright bass, walking bass, blues band, bossa nova, swing
            music, cafe music, nightclub music, double bass, ragtime band, elevator music, band + play,
            live band, pub music, lounge band""",
        hints="swing, club, bar, cocktail, music, blues, nightclub, band, lounge",
        never="""rock band, metal band, marching band, brass band, playground swing, rubber band, wrist
            band, military band, porch swing, parade""",
        is_texture=True,
    ),
)
