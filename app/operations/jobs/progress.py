"""How far a job is, and how long it will take, by what its handler has recorded. Pure.

A handler that knows how much there is to do records `done` and `total` (`JobContext.progress`); of all others nothing
can be said. `{"done": 300, "total": 1200, "unit": "rows"}` after 60 seconds: 25 %, and 180 seconds to go.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.kernel.jobs import JobState

LARGEST: Final = 2**53
"""Counts up to this are exact as floating-point numbers; what is larger counts nothing that a job does."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done, of how much. An estimated total may be less than what is done."""

    done: float
    total: float


def extent(facts: Mapping[str, Any]) -> Extent | None:
    """What the recorded facts say of the work; None where they do not say it in numbers."""
    done, total = facts.get("done"), facts.get("total")
    if not (_counts(done) and _counts(total)):
        return None
    return Extent(float(done or 0), float(total or 0))


def _counts(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST


def percent_done(state: JobState, work: Extent | None) -> float | None:
    """The share that is done, from 0 to 100, rounded down to a tenth; None where it is not known."""
    if work is None:
        return None
    if state is JobState.SUCCEEDED:
        return 100.0  # whatever was estimated
    if work.total == 0:
        return None
    return math.floor(min(1.0, work.done / work.total) * 1_000) / 10


def eta_seconds(state: JobState, work: Extent | None, started_at: datetime | None, now: datetime) -> float | None:
    """The seconds to go, if the rest takes as long as what the current start has done; never less than 0.

    0 at the end; None where it is not known: without a total, before anything is done, while the job waits, and after
    an end that was not a success.
    """
    if work is None:
        return None
    if state is JobState.SUCCEEDED:
        return 0.0
    if state is not JobState.RUNNING or started_at is None or work.done == 0:
        return None
    remaining, elapsed = max(0.0, work.total - work.done), max(0.0, (now - started_at).total_seconds())
    seconds = remaining * elapsed / work.done
    return round(seconds, 1) if math.isfinite(seconds) else None
