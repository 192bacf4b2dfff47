"""Birds: song, gulls, crows, owls, the rooster, and wings."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_AIR = ((100.0, -20.0), (500.0, 0.0), (2000.0, -8.0), (12_000.0, -24.0))
_BEAK: voices.Formants = ((1250.0, 300.0, 0.0), (2300.0, 400.0, -6.0), (3600.0, 600.0, -14.0))
_GULL: voices.Formants = ((1315.0, 610.0, 0.0), (2190.0, 850.0, -5.5), (3720.0, 1215.0, -2.2))
# Start and length in seconds, and level, of the hoots of a great horned owl.
_HOOTS = ((0.0, 0.35, 0.8), (0.6, 0.12, 0.5), (0.78, 0.5, 1.0), (1.55, 0.35, 0.8), (2.15, 0.4, 0.8))


def _note(length_s: float, start_hz: float, middle_hz: float, end_hz: float) -> dsp.Signal:
    """Imitate one whistled note: nearly a pure tone, gliding through three pitches."""
    freq_hz = voices.glide(length_s, (0.0, start_hz), (0.5, middle_hz), (1.0, end_hz))
    n_note = len(freq_hz)
    return dsp.harmonics(freq_hz, n_note, [1.0, 0.06, 0.02]) * dsp.bump(n_note, skew=0.35) ** np.float32(0.7)


def _phrase(rng: np.random.Generator, base_hz: float, rate: float) -> dsp.Signal:
    """Imitate a bird's phrase: two or three motifs, each a note repeated a few times (a trill when quick)."""
    notes: list[tuple[float, dsp.Signal]] = []
    at_s = 0.0
    for _ in range(int(rng.integers(2, 4))):
        length_s = float(rng.choice(np.array([0.045, 0.07, 0.12, 0.2]))) / rate
        turns = base_hz * np.exp(rng.normal(0.0, 0.22, 3))
        note = _note(length_s, *turns.tolist())
        count = int(rng.integers(4, 10)) if length_s < 0.09 else int(rng.integers(1, 4))
        gap_s = length_s * rng.uniform(1.15, 1.7)
        for _ in range(count):
            notes.append((at_s, note))
            at_s += gap_s
        at_s += rng.uniform(0.04, 0.14) / rate
    out = np.zeros(seconds_to_samples(at_s + 0.3), dtype=np.float32)
    for start_s, note in notes:
        dsp.add_at(out, seconds_to_samples(start_s), note)
    return out


def birdsong(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate several birds, each with its own phrases, place and pace, over still air."""
    out = np.float32(0.012) * dsp.coloured_noise(rng, n_samples, _AIR, 2)
    n_birds = max(round(5 * mods.density**0.7), 2)
    for bird in range(n_birds):
        base_hz = float(np.exp(rng.uniform(np.log(2300.0), np.log(5200.0)))) * mods.pitch
        phrases = [_phrase(rng, base_hz, mods.rate) for _ in range(3)]
        start_s = 0.01 if bird == 0 else float(rng.uniform(0.1, 1.8))
        at = dsp.regular_times(rng, n_samples, 2.0 / mods.rate, jitter=0.45, start_s=start_s, tail_s=0.5)
        song = dsp.play(rng, n_samples, at, phrases, 2.0) * np.float32(rng.uniform(0.35, 1.0))
        dsp.place(out, song, float(rng.uniform(-0.9, 0.9)))
    return out


def gulls(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate the long calls of herring gulls: hoarse cries in series, each of which leaps and sinks.

    The voice is rough; the beak's resonances stay where they are while the pitch moves.
    """
    calls = []
    for _ in range(4):
        base_hz = rng.uniform(720.0, 950.0) * mods.pitch
        cries = []
        for share in (1.0, 0.95):
            top_hz = share * base_hz
            freq_hz = voices.glide(
                rng.uniform(0.22, 0.27),
                (0.0, 0.62 * top_hz),
                (0.28, 1.24 * top_hz),
                (0.6, top_hz),
                (1.0, 0.58 * top_hz),
            )
            voice = voices.utter(
                rng, freq_hz, [(0.0, _GULL)], tilt_db=0.0, noise=0.15, rough=0.1, rough_hz=109.0
            )
            cries.append(voice * voices.hold(len(voice), 0.02, 0.145))
        n_cries = int(rng.integers(3, 6))
        series = np.zeros(seconds_to_samples(0.56 * n_cries + 0.1), dtype=np.float32)
        for k in range(n_cries):
            at_s = 0.56 * k / mods.rate * float(rng.uniform(0.97, 1.03))
            dsp.add_at(series, seconds_to_samples(at_s), cries[k % 2], 0.7 + 0.15 * min(k, 2))
        calls.append(series)
    at = dsp.regular_times(rng, n_samples, 1.3 / mods.rate / mods.density**0.5, jitter=0.5, tail_s=0.6)
    gains = dsp.lognormal_gains(rng, len(at), 4.0)
    cries_around = dsp.scatter_stereo(rng, n_samples, at, gains, calls, width=0.8)
    return np.asarray(cries_around + np.float32(0.02) * dsp.air(rng, n_samples), dtype=np.float32)


def crow(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate harsh caws in threes and fours: a rough, low-pitched source through a hard beak."""
    caws = []
    for _ in range(4):
        base_hz = rng.uniform(430.0, 520.0) * mods.pitch
        freq_hz = voices.glide(
            rng.uniform(0.26, 0.38), (0.0, 0.85 * base_hz), (0.3, base_hz), (1.0, 0.72 * base_hz)
        )
        voice = voices.cry(voices.with_jitter(rng, freq_hz, 0.09, 90.0), _BEAK, tilt_db=2.0)
        rough = 0.55 + 0.45 * dsp.sine(rng.uniform(65.0, 85.0), len(freq_hz))
        rasp = voices.breath(rng, len(freq_hz), _BEAK) * np.float32(0.16)
        caws.append((voice * rough + rasp) * voices.hold(len(freq_hz), 0.03, 0.14))
    at = dsp.grouped_times(
        rng, n_samples, 2.9 / mods.rate, 0.52 / mods.rate, (2, 4), tail_s=0.4, count=mods.count
    )
    return dsp.mono(dsp.play(rng, n_samples, at, caws, 1.5))


def owl(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a great horned owl: five soft, breathy hoots, the second one short, in a still night."""
    base_hz = float(rng.uniform(260.0, 330.0)) * mods.pitch

    def hoot(length_s: float) -> dsp.Signal:
        freq_hz = voices.glide(
            length_s, (0.0, 0.88 * base_hz), (0.3, base_hz), (0.6, base_hz), (1.0, 0.88 * base_hz)
        )
        freq_hz = voices.with_jitter(rng, freq_hz, 0.006, 25.0)
        tone = dsp.harmonics(freq_hz, len(freq_hz), [1.0, 0.2, 0.08])
        breath = dsp.resonate(dsp.white(rng, len(freq_hz)), base_hz, 0.6 * base_hz) * np.float32(0.75)
        return dsp.unit((tone + breath) * voices.hold(len(freq_hz), 0.06, 0.22 * length_s))

    def call() -> dsp.Signal:
        phrase = np.zeros(seconds_to_samples(2.7 / mods.rate), dtype=np.float32)
        for at_s, length_s, level in _HOOTS:
            dsp.add_at(phrase, seconds_to_samples(at_s / mods.rate), hoot(length_s / mods.rate**0.5), level)
        return phrase

    if mods.count:
        hoots = [hoot(0.45) for _ in range(2)]
        at = dsp.regular_times(rng, n_samples, 0.8 / mods.rate, jitter=0.08, tail_s=0.5, count=mods.count)
        out = dsp.play(rng, n_samples, at, hoots, 1.0)
    else:
        at = dsp.regular_times(rng, n_samples, 5.0 / mods.rate, jitter=0.15, tail_s=2.6 / mods.rate)
        out = dsp.play(rng, n_samples, at, [call() for _ in range(min(len(at), 2))], 1.0)
    return dsp.mono(out + np.float32(0.008) * dsp.air(rng, n_samples))


def rooster(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate cock-a-doodle-doo: three short rising notes and a long one that falls."""
    crows = []
    for _ in range(2):
        base_hz = rng.uniform(560.0, 640.0) * mods.pitch
        length_s = dsp.fitting_s(1.9 / mods.rate, n_samples)
        notes = (
            (0.0, 0.13, 0.9, 1.1),
            (0.16, 0.10, 1.2, 1.3),
            (0.29, 0.2, 1.25, 1.5),
            (0.52, 0.48, 1.5, 0.85),
        )
        out = np.zeros(seconds_to_samples(length_s), dtype=np.float32)
        for start, share, low, high in notes:
            top = max(low, high)
            freq_hz = voices.glide(
                share * length_s, (0.0, low * base_hz), (0.35, top * base_hz), (1.0, high * base_hz)
            )
            note = voices.cry(voices.with_jitter(rng, freq_hz, 0.012), _BEAK, tilt_db=2.5)
            note += voices.breath(rng, len(freq_hz), _BEAK) * np.float32(0.05)
            dsp.add_at(out, seconds_to_samples(start * length_s), note * voices.hold(len(note), 0.025, 0.09))
        crows.append(out)
    at = dsp.regular_times(rng, n_samples, 4.6 / mods.rate, jitter=0.15, tail_s=1.8, count=mods.count)
    return dsp.mono(dsp.play(rng, n_samples, at, crows, 1.0))


def wings(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate flapping: soft, heavy puffs of air with a rustle of feathers, in bursts at seven a second."""
    beats = []
    for _ in range(5):
        n_beat = int(0.11 * mods.size**0.5 * SAMPLE_RATE_HZ)
        puff = dsp.bandpass(dsp.white(rng, n_beat), 90.0 * mods.pitch, 700.0 * mods.pitch) * np.float32(2.2)
        feathers = dsp.bandpass(dsp.white(rng, n_beat), 1800.0, 6000.0) * np.float32(0.35)
        beats.append((puff + feathers) * dsp.bump(n_beat, skew=0.25))
    period_s = 0.14 * mods.size**0.7 / mods.rate
    at = dsp.regular_times(rng, n_samples, period_s, jitter=0.12)
    # A flock takes off and settles; there is always one bird on the wing.
    level = 0.35 + 0.65 * dsp.drift(rng, n_samples, 0.5)
    return dsp.mono(dsp.play(rng, n_samples, at, beats, 2.0) * level)


RECIPES = (
    Recipe(
        "birdsong",
        birdsong,
        heads="""birdsong, bird, bird song, songbird, bird + chirp, bird + sing, bird + tweet, dawn
        chorus, sparrow, robin, blackbird, lark, skylark, nightingale, finch, thrush, wren, canary,
        warbler, bird + call, bird + chatter, bird + twitter, starling, cardinal,
        meadowlark""",
        hints="chirp, tweet, twitter, warble, chirrup",
        never="wing, cricket, gull, seagull, crow, raven, owl, rooster, sea bird",
        is_texture=True,
    ),
    Recipe(
        "gulls",
        gulls,
        heads="""gull, seagull, seabird, sea bird, gull + cry, gull + mew, tern, seagull + call,
        kittiwake, albatross""",
        hints="mew, squawk",
    ),
    Recipe(
        "crow",
        crow,
        heads="""crow, raven, rook, jackdaw, caw, magpie, raven + croak, crow + call, crow + caw, jay,
        crow + flock""",
        hints="squawk",
        never="rooster, cockerel, cock, crowbar, crowd",
    ),
    Recipe(
        "owl",
        owl,
        heads="owl, hoot, owl + hoot, owl + call, tawny owl, barn owl",
        never="horn",
    ),
    Recipe(
        "rooster",
        rooster,
        heads="""rooster, cockerel, cock crow, rooster + crow, cock-a-doodle-doo, cockcrow, cock + crow,
        rooster + call""",
    ),
    Recipe(
        "wings",
        wings,
        heads="""wing, wingbeat, wing beat, wing + flap, bird + flap, flutter of wing, bat + flutter,
        pigeon + flutter, bird + take off, bird + fly, pigeon + take, dove + flutter, wing + flutter""",
        hints="flap, flutter, feather",
        never="flag, cricket bat, baseball bat, sail",
    ),
)
