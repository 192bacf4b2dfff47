"""The wait that a server names before the next request: whole or broken seconds, milliseconds, or a date."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from copilot.units import Seconds


def read_retry_after(headers: Mapping[str, str], now: Seconds | None = None) -> Seconds | None:
    """Return the seconds to wait by `retry-after-ms` or `retry-after`; None if neither tells.

    `now` is the time of a date's comparison, in seconds since 1970 (default: the clock's).
    """
    milliseconds = _read_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _read_number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        due = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return max(0.0, due.timestamp() - (time.time() if now is None else now))


def _read_number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
