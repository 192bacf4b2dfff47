"""Small machines for the fingers: keyboards, typewriters, cameras."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Positions, Signal
from renderers.procedural.modifiers import Modifiers


def _typed(rng: np.random.Generator, n_samples: int, keys_per_s: float) -> Positions:
    """Return positions of keystrokes.

    Quick uneven runs, with a pause after a word and a longer one after a line.
    """
    count = int(n_samples / SAMPLE_RATE_HZ * keys_per_s * 2) + 4
    gaps_s = rng.gamma(5.0, 0.2 / keys_per_s, count) * 0.85
    gaps_s += np.where(rng.random(count) < 0.12, rng.uniform(0.15, 0.45, count), 0.0)
    times = 0.01 + np.concatenate(([0.0], np.cumsum(gaps_s)))
    kept = times[times < n_samples / SAMPLE_RATE_HZ]
    return np.asarray(np.append(0.0, kept[1:]) * SAMPLE_RATE_HZ + 480, dtype=np.int64)


def typing(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a keyboard: dull clicks, down and up, in uneven runs of about seven keys a second."""

    def key() -> Signal:
        low_hz = 3000.0 * mods.pitch * float(np.exp(rng.normal(0.0, 0.12)))

        def click(pitch: float) -> Signal:
            body = dsp.noise_burst(rng, 4800, 610.0 * pitch, 1730.0 * pitch, attack_s=0.001, t60_s=0.054)
            out = np.float32(0.5) * body
            out[:2400] += dsp.noise_burst(
                rng,
                2400,
                low_hz * pitch,
                2.5 * low_hz,
                attack_s=0.0005,
                t60_s=float(rng.uniform(0.014, 0.025)),
            )
            return out

        release_s = 0.076 * float(rng.uniform(0.7, 1.3))
        stroke = strikes.in_time([(0.0, 1.0, click(1.0)), (release_s, 0.75, click(1.25))])
        return dsp.tail_off(dsp.unit(stroke), 0.02)

    at = _typed(rng, n_samples, 7.3 * mods.rate)
    keys = strikes.row(rng, n_samples, at, key, n_kinds=9, spread_db=3.4)
    return dsp.mono(keys + np.float32(0.015) * dsp.air(rng, n_samples))


def typewriter(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a typewriter.

    Type bars that slap the platen, and at the end of a line the bell and the carriage.
    """

    def stroke() -> Signal:
        def hit() -> Signal:
            platen = dsp.noise_burst(
                rng, 4800, 120.0 * mods.pitch, 340.0 * mods.pitch, attack_s=0.001, t60_s=0.053
            )
            out = np.float32(1.1) * platen
            out[:2400] += dsp.noise_burst(rng, 2400, 3000.0 * mods.pitch, 9000.0, attack_s=0.0005, t60_s=0.03)
            return out

        parts = [(0.0, 1.0, hit()), (0.018, 0.6, hit()), (0.085, 0.25, hit())]
        return dsp.tail_off(dsp.unit(strikes.in_time(parts)), 0.02)

    def line_end() -> Signal:
        bell = dsp.unit(
            dsp.modes(36_000, tones.partials(2350.0 * mods.pitch, (1.0, 2.4, 4.1), 0.8, tilt=0.8))
        )
        n_slide = seconds_to_samples(0.45)
        ratchet = strikes.cluster(
            rng, 0.42, 26, lambda: strikes.strike(rng, strikes.STEEL, 2900.0, ring=0.08), n_kinds=3
        )
        slide = dsp.bandpass(dsp.white(rng, n_slide), 900.0, 5000.0) * dsp.bump(n_slide, skew=0.7)
        stop = strikes.strike(rng, strikes.STEEL, 700.0 * mods.pitch, ring=0.5)
        return strikes.in_time(
            [(0.0, 0.45, bell), (0.35, 0.16, slide), (0.35, 0.3, ratchet), (0.82, 1.0, stop)]
        )

    keys = _typed(rng, n_samples, 7.0 * mods.rate)
    ends = dsp.regular_times(rng, n_samples, 4.3, jitter=0.1, start_s=2.9)
    since_end_s = (keys[:, None] - ends[None, :]) / SAMPLE_RATE_HZ
    keys = keys[~((since_end_s > 0.05) & (since_end_s < 1.25)).any(axis=1)]
    sound = strikes.row(rng, n_samples, keys, stroke, n_kinds=7, spread_db=1.8)
    return tones.room(
        dsp.mono(
            sound
            + strikes.row(rng, n_samples, ends, line_end, n_kinds=2)
            + np.float32(0.012) * dsp.air(rng, n_samples)
        ),
        size=0.3,
        wet=0.1,
    )


def camera_shutter(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a camera.

    Mirror up, shutter, mirror down within a tenth of a second; another picture after a while.
    """

    def picture() -> Signal:
        mirror = strikes.strike(rng, strikes.PLASTIC, 1150.0 * mods.pitch, ring=1.4, contact=1.5)
        blades = strikes.strike(rng, strikes.STEEL, 3300.0 * mods.pitch, ring=0.1, contact=2.0)
        wind_on = dsp.noise_burst(rng, 4800, 1500.0, 6000.0, attack_s=0.03, t60_s=0.12)
        gap_s = float(rng.uniform(0.05, 0.08))
        return strikes.in_time(
            [(0.0, 1.0, mirror), (0.022, 0.6, blades), (gap_s, 0.8, mirror), (gap_s + 0.02, 0.06, wind_on)]
        )

    at = dsp.regular_times(rng, n_samples, 1.1 / mods.rate, jitter=0.45, tail_s=0.2, count=mods.count)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, picture, n_kinds=3)), size=0.3, wet=0.06)


RECIPES = (
    Recipe(
        "typing",
        typing,
        heads="""typing, keyboard, computer keyboard, keyboard + click, typist, keystroke, laptop keys,
            keyboard + clatter, keypad, hacker, texting""",
        hints="computer, office, laptop, type",
        never="play, typewriter, piano, organ, synth, synthesizer, mechanical typewriter",
    ),
    Recipe(
        "typewriter",
        typewriter,
        heads="""typewriter, mechanical typewriter, typewriter + typing, typewriter keys, typewriter carriage,
            teletype, typewriter + clack, telex, adding machine""",
        hints="newsroom",
    ),
    Recipe(
        "camera_shutter",
        camera_shutter,
        heads="""camera, shutter, camera shutter, camera + click, photograph, photographer, photo + snap,
            flashbulb, camera flash, shutter + click""",
        hints="photo, picture, flash",
        never="window shutter, wooden shutter, shop shutter",
    ),
)
