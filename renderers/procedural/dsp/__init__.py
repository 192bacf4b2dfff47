"""Signal processing shared by the recipes.

Every function is pure: values in, new values out, and all randomness from the generator that is passed in.
A `Signal` is one channel, float32, shape (n_samples,), at 48 kHz; `Audio` has shape (channels, n_samples).
Times are in seconds unless they are called samples; `at` always means sample positions.
"""

from renderers.procedural.dsp.base import NYQUIST_HZ, Points, Positions, Signal
from renderers.procedural.dsp.bodies import modes, noise_burst, ring
from renderers.procedural.dsp.channels import mono, pan_delays, pan_gains, place, stereo, widen
from renderers.procedural.dsp.events import (
    add_at,
    fitting_s,
    grouped_times,
    lognormal_gains,
    play,
    random_times,
    regular_times,
    scatter,
    scatter_panned,
    scatter_stereo,
    thin,
)
from renderers.procedural.dsp.filters import bandpass, formants, highpass, lowpass, resonate, shape_spectrum
from renderers.procedural.dsp.finishing import FADE_S, KNEE_DB, PEAK_DB, finish, level_rms, tame, unit
from renderers.procedural.dsp.noise import (
    PINK,
    WHITE,
    air,
    coloured_noise,
    drift,
    from_control,
    spectrum_gain,
    white,
)
from renderers.procedural.dsp.oscillators import harmonics, phase, rolloff, sine
from renderers.procedural.dsp.shapes import bump, decay, envelope, pluck, tail_off

__all__ = [
    "FADE_S",
    "KNEE_DB",
    "NYQUIST_HZ",
    "PEAK_DB",
    "PINK",
    "WHITE",
    "Points",
    "Positions",
    "Signal",
    "add_at",
    "air",
    "bandpass",
    "bump",
    "coloured_noise",
    "decay",
    "drift",
    "envelope",
    "finish",
    "fitting_s",
    "formants",
    "from_control",
    "grouped_times",
    "harmonics",
    "highpass",
    "level_rms",
    "lognormal_gains",
    "lowpass",
    "modes",
    "mono",
    "noise_burst",
    "pan_delays",
    "pan_gains",
    "phase",
    "place",
    "play",
    "pluck",
    "random_times",
    "regular_times",
    "resonate",
    "ring",
    "rolloff",
    "scatter",
    "scatter_panned",
    "scatter_stereo",
    "shape_spectrum",
    "sine",
    "spectrum_gain",
    "stereo",
    "tail_off",
    "tame",
    "thin",
    "unit",
    "white",
    "widen",
]
