"""Sounds that tell people something: clocks, bells, telephones, alarms, sirens, radio, sonar."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Positions, Signal
from renderers.procedural.modifiers import Modifiers

_RECEIVER = ((50.0, -10.0), (300.0, 0.0), (7500.0, 0.0), (10_000.0, -24.0), (16_000.0, -50.0))


def _beat(rng: np.random.Generator, pitch: float) -> Signal:
    """Imitate one beat of an escapement: the pallet drops, the wheel locks soon after, the case answers."""
    n_beat = seconds_to_samples(0.25)
    out = dsp.noise_burst(rng, n_beat, 560.0 * pitch, 1600.0 * pitch, attack_s=0.002, t60_s=0.04)
    out *= np.float32(0.5)
    for at_s, gain in ((0.0, 1.0), (float(rng.uniform(0.008, 0.03)), float(rng.uniform(0.3, 0.7)))):
        catch = dsp.noise_burst(rng, 2400, 1950.0 * pitch, 5000.0 * pitch, attack_s=0.0004, t60_s=0.034)
        dsp.add_at(out, seconds_to_samples(at_s), catch, gain)
    parts = [
        (float(hz), float(t60_s), float(gain))
        for hz, t60_s, gain in zip(
            rng.uniform(900.0, 5000.0, 10) * pitch,
            rng.uniform(0.03, 0.12, 10),
            rng.uniform(0.3, 1.0, 10),
            strict=True,
        )
    ]
    return dsp.unit(dsp.tail_off(out + np.float32(0.25) * dsp.unit(dsp.modes(n_beat, parts)), 0.02))


def clock(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pendulum clock: two beats a second, tick and tock unlike and a little uneven in time."""
    period_s = 0.5 / mods.rate
    beats = [_beat(rng, mods.pitch), _beat(rng, 0.8 * mods.pitch)]
    at = dsp.regular_times(rng, n_samples, period_s, jitter=0.008, tail_s=0.12)
    at[1::2] += seconds_to_samples(float(rng.uniform(0.01, 0.04)) * period_s)
    kinds = np.arange(len(at), dtype=np.int64) % 2
    sound = dsp.scatter(n_samples, at, dsp.lognormal_gains(rng, len(at), 0.8), beats, kinds)
    return dsp.mono(sound)


def church_bell(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a tolling bell.

    Hum, prime, tierce (a minor third), quint, nominal, each with its own long decay.
    """
    prime_hz = float(rng.uniform(400.0, 560.0)) * mods.pitch
    gains = (0.5, 0.8, 0.7, 0.25, 1.2, 0.6, 0.45, 0.5, 0.3, 0.2)
    decays_s = (9.0, 5.5, 4.5, 3.0, 3.2, 1.8, 1.7, 1.5, 0.9, 0.6)
    n_toll = min(n_samples, seconds_to_samples(9.0 * mods.size))
    # No bell is quite round: each partial is a pair of modes that beat slowly.
    table = [
        (prime_hz * ratio * split, t60_s * mods.size, gain * 0.5)
        for ratio, gain, t60_s in zip(tones.CHURCH_BELL, gains, decays_s, strict=True)
        for split in (1.0, 1.0 + float(rng.uniform(0.001, 0.003)))
    ]
    clapper = dsp.noise_burst(rng, min(4800, n_toll), 1800.0, 9000.0, attack_s=0.0005, t60_s=0.05)
    bell = dsp.unit(dsp.modes(n_toll, table))
    bell[: len(clapper)] += clapper * np.float32(0.3)
    at = dsp.regular_times(rng, n_samples, 1.8 / mods.rate, jitter=0.03, tail_s=0.6, count=mods.count)
    tolls = strikes.row(rng, n_samples, at, lambda: bell, n_kinds=1, spread_db=1.0)
    return tones.room(dsp.mono(tolls + np.float32(0.01) * dsp.air(rng, n_samples)), size=0.75, wet=0.1)


def hand_bell(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a small bell shaken.

    A quick alternation of strikes in bursts, bright, ringing about a second.
    """
    hz = float(rng.uniform(1250.0, 1900.0)) * mods.pitch
    table = tones.partials(hz, (1.0, 2.02, 3.01, 4.17, 5.43), 1.1 * mods.size, damping=0.8, tilt=0.6)
    ring = dsp.unit(dsp.modes(seconds_to_samples(1.2 * mods.size), table))

    def shake() -> Signal:
        gap_s = 0.15 / mods.rate
        return strikes.in_time(
            [
                (k * gap_s * float(rng.uniform(0.93, 1.07)), 0.6 + 0.4 * (k % 2), ring)
                for k in range(int(rng.integers(5, 9)))
            ]
        )

    at = dsp.regular_times(rng, n_samples, 1.9 / mods.rate, jitter=0.2, tail_s=0.3)
    return dsp.mono(strikes.row(rng, n_samples, at, shake, n_kinds=3))


def gong(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a large gong: a low tone at once, high modes that bloom half a second later, a long decay."""
    hz = float(rng.uniform(62.0, 88.0)) * mods.pitch
    n_ring = min(n_samples, seconds_to_samples(9.0 * mods.size))
    low = dsp.modes(
        n_ring, tones.partials(hz, (1.0, 1.49, 2.02, 2.71, 3.42), 8.0 * mods.size, damping=0.4, tilt=0.8)
    )
    ratios = np.sort(rng.uniform(4.0, 34.0, 40))
    high = dsp.modes(
        n_ring,
        [
            (hz * r, 3.6 * mods.size * (10.0 / (r + 6.0)), float(rng.uniform(0.3, 1.0)))
            for r in ratios.tolist()
        ],
    )
    bloom = np.float32(1.0) - dsp.decay(n_ring, 1.6)
    mallet = dsp.noise_burst(rng, min(n_ring, 9600), 60.0, 500.0, attack_s=0.004, t60_s=0.15)
    ring = dsp.unit(low) + dsp.unit(high * bloom) * np.float32(0.55)
    ring[: len(mallet)] += mallet * np.float32(0.2)
    at = dsp.regular_times(rng, n_samples, 5.2 / mods.rate, jitter=0.1, tail_s=2.0, count=mods.count)
    return dsp.mono(strikes.row(rng, n_samples, at, lambda: ring, n_kinds=1, spread_db=1.5))


def wind_chimes(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate small tubes in the breeze, from all sides.

    Free bars of five notes from 2 kHz up, each struck by a clapper. A tube is never quite round: every mode
    is two, 0.3 % apart, that beat.
    """
    root_hz = float(rng.uniform(2000.0, 2600.0)) * mods.pitch
    t60_s = 1.3 * mods.size
    tubes = []
    for step in (0, 2, 4, 7, 9, 12):
        table = [
            (hz * ratio, mode_s, amplitude * level * float(rng.uniform(0.5, 1.0)))
            for hz, mode_s, amplitude in tones.partials(
                root_hz * 2 ** (step / 12), tones.FREE_BAR, t60_s, damping=0.27, tilt=0.8
            )
            for ratio, level in ((1.0, 1.0), (1.003, 0.6))
        ]
        tube = dsp.unit(dsp.modes(seconds_to_samples(t60_s), table))
        clapper = dsp.noise_burst(rng, 1440, 2500.0, 12_000.0, attack_s=0.0003, t60_s=0.015)
        tube[: len(clapper)] += np.float32(0.22) * clapper
        tubes.append(dsp.tail_off(tube, 0.2))
    at = dsp.regular_times(rng, n_samples, min(0.15 / mods.density, 0.4), jitter=0.8)
    breeze = dsp.drift(rng, n_samples, 0.5)
    gains = dsp.lognormal_gains(rng, len(at), 7.5) * (0.25 + breeze[np.minimum(at, n_samples - 1)])
    sound = dsp.scatter_stereo(rng, n_samples, at, gains, tubes, width=0.7)
    return np.asarray(sound + np.float32(0.01) * dsp.air(rng, n_samples), dtype=np.float32)


def _cadence(n_samples: int, on_s: tuple[Seconds, ...], off_s: tuple[Seconds, ...], rate: float) -> Positions:
    """Return starts of bursts that go round a cadence of on and off times."""
    cycle = np.cumsum([0.0, *(on + off for on, off in zip(on_s, off_s, strict=True))]) / rate
    count = int(n_samples / SAMPLE_RATE_HZ / cycle[-1]) + 1
    starts = (np.arange(count)[:, None] * cycle[-1] + cycle[None, :-1]).ravel() + 0.01
    kept = starts[(starts < n_samples / SAMPLE_RATE_HZ) | (starts <= 0.01)]
    return np.asarray(kept * SAMPLE_RATE_HZ, dtype=np.int64)


def phone(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an old telephone.

    A clapper between two gongs, twenty-four strikes a second, in double rings.
    """
    hz = float(rng.uniform(950.0, 1250.0)) * mods.pitch
    gongs = [
        dsp.unit(
            dsp.modes(24_000, tones.partials(hz * detune, (1.0, 2.31, 3.86, 5.6), 0.5, damping=0.5, tilt=0.3))
        )
        for detune in (1.0, 1.19)
    ]
    n_strikes = 17
    ring = strikes.in_time([(k / 24.0, 1.0, gongs[k % 2]) for k in range(n_strikes)])
    at = _cadence(n_samples, (0.7, 0.7), (0.3, 1.4), mods.rate)
    sound = strikes.row(rng, n_samples, at, lambda: ring, n_kinds=1, spread_db=0.2)
    return tones.room(dsp.mono(sound), size=0.4, wet=0.1)


def mobile_phone(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a mobile telephone: a short electronic tune of soft bright tones, again and again."""
    root_hz = float(rng.uniform(780.0, 1050.0)) * mods.pitch
    steps = [int(step) for step in rng.choice((0, 4, 7, 9, 12, 16), 8)]

    def blip(step: int) -> Signal:
        n_blip = 7200
        return tones.tone(root_hz * 2.0 ** (step / 12), n_blip, (1.0, 0.35, 0.12)) * dsp.pluck(
            n_blip, 0.003, 0.3
        )

    tune = strikes.in_time([(k * 0.125 / mods.rate, 1.0, blip(step)) for k, step in enumerate(steps)])
    at = dsp.regular_times(rng, n_samples, 1.6 / mods.rate, jitter=0.0)
    return dsp.mono(strikes.row(rng, n_samples, at, lambda: tune, n_kinds=1, spread_db=0.0))


def doorbell(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate ding-dong: two struck bars a major third apart, the higher first; again after a while."""
    high_hz = float(rng.uniform(620.0, 700.0)) * mods.pitch
    ding, dong = (
        dsp.unit(
            dsp.modes(
                seconds_to_samples(1.8), tones.partials(hz, tones.FREE_BAR[:3], 1.6 * mods.size, tilt=1.3)
            )
        )
        for hz in (high_hz, high_hz * 0.794)
    )
    chime = strikes.in_time([(0.0, 1.0, ding), (0.55 / mods.rate, 1.0, dong)])
    at = dsp.regular_times(rng, n_samples, 3.1 / mods.rate, jitter=0.1, tail_s=1.2, count=mods.count)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, lambda: chime, n_kinds=1)), size=0.4, wet=0.1)


def alarm(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an alarm: hard square tones in fast groups that will not stop, or two tones in alternation."""
    hz = float(rng.uniform(1900.0, 2700.0)) * mods.pitch
    square = (1.0, 0.0, 0.33, 0.0, 0.2, 0.0, 0.14)
    n_beep = seconds_to_samples(0.075 / mods.rate)
    beep = tones.tone(hz, n_beep, square) * tones.hold(n_beep, 0.002, 0.004)
    group = strikes.in_time([(k * 0.125 / mods.rate, 1.0, beep) for k in range(4)])
    period_s = 0.75 if rng.random() < 0.6 else 0.5
    at = dsp.regular_times(rng, n_samples, period_s / mods.rate, jitter=0.0)
    return dsp.mono(strikes.row(rng, n_samples, at, lambda: group, n_kinds=1, spread_db=0.0))


def beep(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a device that beeps: one pure tone of an eighth of a second, about once a second."""
    hz = float(rng.uniform(880.0, 1400.0)) * mods.pitch
    n_beep = seconds_to_samples(0.13)
    one = tones.tone(hz, n_beep, (1.0, 0.08, 0.05)) * tones.hold(n_beep, 0.004, 0.01)
    at = dsp.regular_times(rng, n_samples, 0.95 / mods.rate, jitter=0.0, count=mods.count)
    return dsp.mono(strikes.row(rng, n_samples, at, lambda: one, n_kinds=1, spread_db=0.0))


def siren(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a wailing siren.

    A hard tone that climbs and falls over an octave and more, every few seconds.
    """
    period_s = float(rng.uniform(3.2, 4.4)) / mods.rate
    low_hz, high_hz = 560.0 * mods.pitch, 1420.0 * mods.pitch
    turns = np.arange(n_samples, dtype=np.float32) / np.float32(period_s * SAMPLE_RATE_HZ) + np.float32(0.1)
    rise = 0.5 - 0.5 * np.cos(2.0 * np.float32(np.pi) * turns)
    hz = np.float32(low_hz) * np.exp(rise * np.float32(np.log(high_hz / low_hz)))
    sound = tones.tone(hz, n_samples, dsp.rolloff(12, 7.0))
    return tones.room(dsp.mono(dsp.bandpass(sound, 350.0, 5500.0, 1)), size=0.7, wet=0.14)


def radio_static(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a radio between stations: noise up to the top of its band, and a whistle that wanders through.

    The noise is that of distant lightning: it sputters and crackles, and is never smooth.
    """
    sputter = (1.0 + 0.8 * tones.wobble(rng, n_samples, 30.0)) * (
        0.7 + 0.3 * dsp.drift(rng, n_samples, 1.5 * mods.rate)
    )
    noise = dsp.coloured_noise(rng, n_samples, _RECEIVER)[0] * sputter
    snaps = [dsp.noise_burst(rng, 960, 600.0, 7000.0, attack_s=0.0002, t60_s=0.004) for _ in range(6)]
    at = dsp.random_times(rng, n_samples, 30.0 * mods.density)
    crackle = dsp.play(rng, n_samples, at, snaps, 8.0)
    hz = 350.0 + np.float32(2200.0 * mods.pitch) * dsp.drift(rng, n_samples, 0.35)
    whistle = tones.tone(hz, n_samples) * dsp.drift(rng, n_samples, 0.6, power=2.0)
    return dsp.mono(noise + crackle * np.float32(0.6) + whistle * np.float32(0.06))


def sonar(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a sonar: a pure ping that hangs in the water, with a faint reply from far off."""
    hz = float(rng.uniform(900.0, 1250.0)) * mods.pitch
    n_ping = seconds_to_samples(2.4)
    ping = dsp.modes(n_ping, [(hz, 2.3, 1.0), (hz * 1.004, 2.0, 0.3), (hz * 2.0, 0.5, 0.06)])
    ping *= dsp.pluck(n_ping, 0.008, 30.0)
    both = strikes.in_time(
        [(0.0, 1.0, ping), (float(rng.uniform(0.9, 1.3)), 0.13, dsp.lowpass(ping, hz * 1.2))]
    )
    at = dsp.regular_times(rng, n_samples, 2.9 / mods.rate, jitter=0.0, count=mods.count)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, lambda: both, n_kinds=1, spread_db=0.0)), size=0.9, wet=0.3
    )


RECIPES = (
    Recipe(
        "clock",
        clock,
        heads="""clock, ticking, tick, clock + tick, pocket watch, grandfather clock, pendulum, watch + tick,
            tock, metronome, stopwatch, timer + tick, timepiece, clockwork, mantel clock""",
        hints="watch, hour, timer",
        never="alarm clock, clock chime, bicycle, clock tower",
    ),
    Recipe(
        "church_bell",
        church_bell,
        heads="""church bell, bell, bell + toll, cathedral bell, tower bell, bell tower, bells + ring,
            tolling, temple bell, clock tower, steeple, belfry, bell + strike, clock chime, clock strikes,
            clock chiming, monastery bell, funeral bell, chapel bell, carillon, ship bell""",
        hints="toll, chime, church, cathedral, steeple",
        never="""ding, doorbell, hand bell, sleigh bell, bicycle, bike, cow bell, cowbell, telephone, phone,
            door bell, shop bell, alarm bell, jingle bell, typewriter, tram bell, school bell""",
    ),
    Recipe(
        "hand_bell",
        hand_bell,
        heads="""hand bell, bell + ding, handbell, small bell, little bell, shop bell, sleigh bell,
            jingle bell, jingling bell, school bell, tiny bell, bell + shake, service bell, dinner bell,
            bell + tinkle, cowbell, cow bell, goat bell, sheep bell, cat bell, bicycle bell, bike bell,
            bell above the door, bell over the door, shop door bell, servant bell, tram bell, desk bell,
            town crier, harness bell, silver bell, bell + jingle, handbell + clink, goat + handbell""",
        hints="tinkle, tinkling, jingle, bell",
        never="keys",
    ),
    Recipe(
        "gong",
        gong,
        heads="""gong, tam-tam, temple gong, singing bowl, chinese gong, cymbal swell, crash cymbal, large
            cymbal, chime gong, gong chime""",
        hints="temple, cymbal",
    ),
    Recipe(
        "wind_chimes",
        wind_chimes,
        heads="""wind chime, chime, chimes, bamboo chimes, chimes + breeze, chimes + wind, glass chimes,
            crystal chimes, hanging chimes""",
        hints="porch, tinkling, glisten, sparkle, twinkle, magic, fairy, shimmer, magical",
        never="clock, church, door, doorbell, tower",
        is_texture=True,
    ),
    Recipe(
        "phone",
        phone,
        heads="""phone, telephone, phone + ring, telephone + ring, rotary phone, telephone bell, ringing
            telephone, old phone, landline, phone call, ringing phone""",
        hints="ring, call, switchboard",
        never="""buzz, vibrate, microphone, headphone, gramophone, saxophone, xylophone, mobile phone, cell
            phone, smartphone, cellphone, ringtone""",
    ),
    Recipe(
        "mobile_phone",
        mobile_phone,
        heads="""mobile phone, cell phone, smartphone, cellphone, ringtone, phone notification, phone +
            notification, mobile + ring, notification tone, phone + chime, text message""",
        hints="mobile, notification",
    ),
    Recipe(
        "doorbell",
        doorbell,
        heads="""doorbell, door bell, door chime, ding-dong, ding dong, doorbell chime""",
        hints="visitor, announcement",
        never="sheep",
    ),
    Recipe(
        "alarm",
        alarm,
        heads="""alarm, alarm clock, fire alarm, smoke alarm, burglar alarm, smoke detector, car alarm, alarm
            bell, emergency alarm, buzzer, klaxon, warning alarm, red alert, alert tone, intruder
            alert, dive alarm, hull alarm""",
        hints="warning, alert, emergency, buzzer",
    ),
    Recipe(
        "beep",
        beep,
        heads="""beep, heart monitor, monitor + beep, electronic beep, computer beep, beeping, microwave,
            scanner beep, checkout scanner, blip, bleep, hospital monitor, medical monitor,
            console + beep, data + chirp, computer + chirp, telegraph, morse code,
            electrocardiogram, instrument panel, control panel""",
        hints="computer, electronic, monitor, console, scanner, machine, digital",
        never="typing, keyboard",
    ),
    Recipe(
        "siren",
        siren,
        heads="""siren, police siren, ambulance siren, fire engine siren, fire truck siren, air raid, siren
            + wail""",
        hints="police, emergency, wail, wailing",
    ),
    Recipe(
        "radio_static",
        radio_static,
        heads="""radio static, static, white noise, radio + tune, shortwave, walkie-talkie, television
            static, radio + crackle, detuned radio, radio interference, radio
            noise, vinyl crackle, gramophone + crackle, record + crackle,
            interference""",
        hints="signal, crackle, frequency, broadcast, gramophone",
        never="static electricity",
    ),
    Recipe(
        "sonar",
        sonar,
        heads="sonar, sonar ping, submarine + ping, ping, submarine sonar, echo sounder, radar, radar sweep",
        hints="submarine, scan",
    ),
)
