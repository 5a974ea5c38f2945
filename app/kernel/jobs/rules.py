"""When a job may start, and what follows from how a start ended. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import InterfaceError as SQLInterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.kernel.db.database import sqlstate
from app.kernel.jobs.models import OPEN_STATES, JobState
from app.kernel.problems import Problem, Unavailable

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(minutes=5)
FIRST_BUSY_PAUSE = timedelta(milliseconds=200)
LONGEST_BUSY_PAUSE = timedelta(seconds=2)
"""How soon a job waiting for another of its key looks again; a look is one short transaction."""

MAX_ERROR_LENGTH = 500

AWAY_SQLSTATES = frozenset({"57P01", "57P02", "57P03", "53300"})
"""admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections (manual, appendix A); class 08 as well."""


class Decision(StrEnum):
    """What a worker does with a ticket."""

    START = "start"
    WAIT = "wait"
    """Another job of its key runs, or an earlier start of this one still lives."""
    DROP = "drop"
    """The job is over; only its ticket was left."""
    BURY = "bury"
    """Every start that it has took its worker with it."""
    CANCEL = "cancel"
    """Somebody asked for its end before it was started."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a claim knows about a job."""

    state: str
    starts: int
    heartbeat_at: datetime | None
    cancel_requested: bool
    key_free: bool
    """No other job of the key runs or is being claimed, and no earlier start of this one is applying its effects."""


def decide(facts: Facts, max_starts: int, now: datetime, lease: timedelta) -> Decision:
    """What to do with a job whose ticket came up: is it over, alive elsewhere, unwanted, used up, or must it wait?"""
    if facts.state not in OPEN_STATES:
        return Decision.DROP
    running = facts.state == JobState.RUNNING
    if running and facts.heartbeat_at is not None and now - facts.heartbeat_at < lease:
        return Decision.WAIT
    if facts.cancel_requested:
        return Decision.CANCEL
    if facts.starts >= max_starts:
        return Decision.BURY
    return Decision.START if facts.key_free else Decision.WAIT


class Ending(StrEnum):
    """How a start ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The job failed for good: no start is left."""
    RETRY = "retry"
    """The start counts, and there is another."""
    PUT_BACK = "put_back"
    """The start does not count: not the job's fault."""
    CANCELLED = "cancelled"


def judge(error: Exception, starts: int, max_starts: int) -> Ending:
    """What follows from an exception of the handler, on the `starts`-th start that counts."""
    if isinstance(error, Unavailable) or is_away(error):
        return Ending.PUT_BACK
    return Ending.RETRY if starts < max_starts else Ending.FAILED


def is_away(error: BaseException) -> bool:
    """Whether the database was not there, rather than refusing."""
    state = sqlstate(error)
    if state is not None and (state in AWAY_SQLSTATES or state.startswith("08")):
        return True
    return isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def is_unreachable(error: BaseException) -> bool:
    """Whether a statement of the worker's own, which can fail for no other reason, did not reach the database."""
    return is_away(error) or isinstance(
        error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | SQLInterfaceError
    )


def describe(error: BaseException) -> str:
    """The error in at most `MAX_ERROR_LENGTH` characters, without the data that messages of libraries carry.

    A problem as callers see it; of anything else its type, its SQLSTATE if it has one, and where it was raised.
    """
    if isinstance(error, Problem):
        return f"{error.code}: {error.detail}"[:MAX_ERROR_LENGTH]
    parts = [f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")]
    state = sqlstate(error)
    if state is not None:
        parts.append(f"SQLSTATE {state}")
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        parts.append(f"at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
    return " ".join(parts)[:MAX_ERROR_LENGTH]
