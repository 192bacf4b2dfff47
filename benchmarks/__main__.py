"""Run the benchmarks that finish in minutes on any machine, each at its default size.

The others need something of their own: `overhead` and `scale` need Ray and a quiet machine, `gpu_render`
needs torch and a GPU, `heard` the weights of a listener. `gallery` draws a picture.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = ("turn_cost", "main_job", "designer", "recipes", "rendering", "ledger", "store", "llm")

for name in NAMES:
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).parent / f"{name}.py")], check=True)
