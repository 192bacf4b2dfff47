"""Measure the stem store, and the steps that make a stem, for stems of 4 s.

    python benchmarks/store.py [NUM]

Renders `NUM` sounds, mono and stereo, puts them into a store on a local disk, and prints what one core does,
in processor time: hits and puts a second, and the steps that make a stem. This project's target is at least
500 hits a second. A hit is a stem read and compared with its hash. Its samples are decoded only in the mix,
so hits with decoding are printed too. The files are in the system's cache, like those of a run that just
wrote them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from copilot.audio.conform import conform
from copilot.audio.fades import fade_out
from copilot.audio.loudness import frame_energy
from copilot.audio.pcm import STEM_BITS, encode_flac, to_float
from copilot.audio.peak import true_peak_dbtp
from copilot.stem import SoundSpec, Stem, make_stem
from pipelines.execution.memory import keep_freed_memory
from pipelines.stem_store import StemStore
from renderers.contract import RenderedSound, RenderRequest
from renderers.procedural.renderer import ProceduralRenderer

_CAPTIONS = (
    "rain",
    "wind",
    "thunder",
    "birds singing",
    "dog barking",
    "door slam",
    "piano melody",
    "footsteps",
)
_DURATION_S = 4.0
_ROUNDS = 5
_TARGET_HITS_PER_S = 500


def stems(num: int, n_channels: int) -> list[Stem]:
    """Render `num` sounds of several kinds, all with `n_channels` channels that differ."""
    renderer = ProceduralRenderer()
    requests = [RenderRequest(_CAPTIONS[k % len(_CAPTIONS)], _DURATION_S, k) for k in range(num)]
    made = []
    for request, answer in zip(requests, renderer.render(requests), strict=True):
        if not isinstance(answer, RenderedSound):
            raise SystemExit(f"{request.text}: {answer.detail}")
        side = answer.audio[:1]
        audio = side if n_channels == 1 else np.concatenate([side, answer.audio[-1:, ::-1]])
        spec = SoundSpec("sfx", request.text, _DURATION_S, request.random_seed, {"channels": str(n_channels)})
        made.append(make_stem(spec, audio, answer.rate_hz))
    return made


def time_each_ms(work: Callable[[Stem], object], made: Sequence[Stem]) -> float:
    """Return milliseconds of processor time for one stem: the median of some rounds over all stems."""
    rounds = []
    for _ in range(_ROUNDS + 1):
        began = time.process_time()
        for stem in made:
            work(stem)
        rounds.append((time.process_time() - began) / len(made) * 1000)
    return statistics.median(rounds[1:])


def get_and_decode(store: StemStore, key: str) -> int:
    stem = store.get(key)
    return 0 if stem is None else stem.pcm.size


def report(made: Sequence[Stem], label: str, folder: Path) -> None:
    store = StemStore(folder)
    put_ms = time_each_ms(store.put, made)
    hit_ms = time_each_ms(lambda stem: store.get(stem.info.key), made)
    decoded_ms = time_each_ms(lambda stem: get_and_decode(store, stem.info.key), made)
    if store.n_misses:
        raise SystemExit(f"{store.n_misses} of the stems that were put were not found")
    size = sum(len(stem.flac) for stem in made) / len(made)
    print(f"{label}, {size / 1000:.0f} kB a stem of {_DURATION_S:g} s:")
    print(f"  hits a second per core {1000 / hit_ms:7.0f}  (target: at least {_TARGET_HITS_PER_S})")
    print(f"  the same with decoding {1000 / decoded_ms:7.0f}")
    print(f"  puts a second per core {1000 / put_ms:7.0f}")
    # A backend at 44.1 kHz returns 4 s; one at 48 kHz returns too much, which is trimmed.
    sounds = {stem.info.key: stem.audio for stem in made}
    n_44k1 = round(_DURATION_S * 44_100)
    steps: dict[str, Callable[[Stem], object]] = {
        "resampling, 44.1 to 48 kHz": lambda stem: conform(sounds[stem.info.key][:, :n_44k1], 44_100),
        "  the same without, at 48 kHz": lambda stem: conform(sounds[stem.info.key], 48_000),
        "trimming": lambda stem: fade_out(sounds[stem.info.key][:, :96_000]),
        "measuring loudness": lambda stem: frame_energy(to_float(stem.pcm, STEM_BITS)),
        "measuring true peak": lambda stem: true_peak_dbtp(sounds[stem.info.key]),
        "encoding": lambda stem: encode_flac(stem.pcm, STEM_BITS),
    }
    for name, work in steps.items():
        print(f"  {name:30} {time_each_ms(work, made):6.2f} ms")


def main(num: str = "48") -> None:
    keep_freed_memory()  # as a worker does
    with threadpool_limits(1):
        for n_channels, label in ((1, "mono"), (2, "stereo")):
            made = stems(int(num), n_channels)
            with tempfile.TemporaryDirectory() as folder:
                report(made, label, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
