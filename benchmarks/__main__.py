"""All benchmarks at a size that takes a few minutes. Each can be run alone, with sizes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for name in ("turn_cost", "main_job", "designer", "recipes", "rendering", "ledger", "store", "llm"):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).parent / f"{name}.py")], check=True)
