"""How long to wait before what failed is tried again: jobs, their engine, and background tasks."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

Pause = TypeVar("Pause", float, timedelta)
"""Seconds, or a span of time."""


def backoff(
    failures: int, first: Pause, longest: Pause, jitter: Callable[[float, float], float] = random.uniform
) -> Pause:
    """The pause after so many failures in a row: doubled each time, bounded, with jitter down to half of it."""
    return min(first * 2.0 ** min(max(failures - 1, 0), 20), longest) * jitter(0.5, 1.0)
