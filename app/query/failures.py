"""What PostgreSQL may answer to a previewed statement, as problems. Pure.

A statement that fails by its own fault is a 4xx; what may pass by itself stays an operational error, answered 503.
"""

import re
from collections.abc import Mapping
from typing import Final

import asyncpg

from app.kernel.problems import Conflict, Fault, Problem, Unavailable

MESSAGE_CHARACTERS: Final = 300


class QueryFailed(Problem):
    """PostgreSQL refuses the statement, or fails on a value."""

    code, title, status = "query-failed", "The query failed", 422


class QueryTimeout(Problem):
    """The statement ran longer than the caller's roles allow."""

    code, title, status = "query-timeout", "The query took too long", 422

    def __init__(self, timeout_ms: int) -> None:
        super().__init__(
            f"It was cancelled after {timeout_ms / 1000:g} seconds, the limit of your roles. Filter, or aggregate.",
            timeout_seconds=timeout_ms / 1000,
        )


class QueryCancelled(Unavailable):
    """Somebody who runs the database cancelled the statement."""

    code, title = "query-cancelled", "The query was cancelled"


class TableChanged(Conflict):
    """A table went away between the check of the preview and its execution."""

    code, title = "table-changed", "A table has just changed"


_GONE: Final = frozenset({"42P01", "42501", "3F000"})
"""undefined_table, insufficient_privilege, invalid_schema_name: the guard knew the table a moment ago."""
_CANCELLED: Final = "57014"
_LOST: Final = "40"
"""Transaction rollback: a deadlock, or a conflict with recovery. It is not run again by itself: the preview is used."""
_OWN_FAULT: Final = ("0A", "21", "22", "23", "25", "2F", "39", "42", "54", "P0", "XX")
"""Unsupported feature, cardinality, data, constraint, transaction state, function, syntax or rule, program limit, and
what PostgreSQL calls an internal error when a value outgrows its memory (manual, appendix A)."""
_TOO_LARGE: Final = frozenset({"53400"})
"""configuration_limit_exceeded: temporary files beyond the login's temp_file_limit."""


def problem_of(
    error: asyncpg.PostgresError, *, names: Mapping[str, str], timeout_ms: int, elapsed_seconds: float
) -> Problem | None:
    """The problem that an error of the statement is; None when it is an operational one.

    Args:
        error: what PostgreSQL answered.
        names: physical relation names and the logical ones that stand for them in messages.
        timeout_ms: the statement's limit.
        elapsed_seconds: how long it ran: tells a timeout from a cancellation by hand.
    """
    state = error.sqlstate or ""
    if state == _CANCELLED:
        timed_out = elapsed_seconds * 1000 >= timeout_ms * 0.9
        return QueryTimeout(timeout_ms) if timed_out else QueryCancelled("The query was cancelled by an operator.")
    if state.startswith(_LOST):
        return QueryCancelled("The query lost against a change of the database. Preview it again.")
    if state in _GONE:
        return TableChanged("A table of this query has just changed. Preview it again.")
    if state in _TOO_LARGE:
        return QueryFailed("The query needs more temporary space than it may have. Read or sort less.", sqlstate=state)
    if not state.startswith(_OWN_FAULT):
        return None
    message = safe_message(str(error), names) if not state.startswith("XX") else "PostgreSQL cannot compute this."
    return QueryFailed(
        message, sqlstate=state, faults=[Fault(pointer="/sql", code=f"sqlstate-{state}", message=message)]
    )


def safe_message(message: str, names: Mapping[str, str]) -> str:
    """The primary message with logical names in place of physical ones, capped."""
    line = message.split("\n", 1)[0]
    for physical, logical in names.items():
        line = re.sub(rf"\b{re.escape(physical)}\b", logical, line)
    return line[:MESSAGE_CHARACTERS]
