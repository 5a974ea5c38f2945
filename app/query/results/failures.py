"""What PostgreSQL may answer to a previewed statement, as problems. Pure.

A statement that fails by its own fault is a 4xx; what may pass by itself stays an operational error, answered 503.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import asyncpg

from app.kernel.problems import Conflict, Fault, Problem, Unavailable
from app.query.results.columns import ROW_TOO_LARGE

MESSAGE_CHARACTERS: Final = 300


class QueryFailed(Problem):
    """PostgreSQL refuses the statement, or fails on a value."""

    code, title, status = "query-failed", "The query failed", 422


class RowTooLarge(Problem):
    """A row of the answer is larger than any row may be."""

    code, title, status = "row-too-large", "A row of the answer is too large", 422


class QueryOutOfMemory(Problem):
    """The statement needs more memory than one statement may take."""

    code, title, status = "query-memory", "The query needs too much memory", 422


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


_CANCELLED: Final = "57014"
_OUT_OF_MEMORY: Final = "53200"
_SHARED: Final = "shared memory"
"""What out_of_memory names when the server's table of locks is full: an operational failure, no query's fault."""
_BY_STATE: Final[tuple[tuple[tuple[str, ...], Callable[[], Problem]], ...]] = (
    # A deadlock, or a conflict with recovery. It is not run again by itself: the preview is used.
    (("40",), lambda: QueryCancelled("The query lost against a change of the database. Preview it again.")),
    # undefined_table, insufficient_privilege, invalid_schema_name: the guard knew the table a moment ago.
    (("42P01", "42501", "3F000"), lambda: TableChanged("A table of this query has just changed. Preview it again.")),
    # configuration_limit_exceeded: temporary files beyond the login's temp_file_limit.
    (("53400",), lambda: QueryFailed("It needs more temporary space than it may have. Read or sort less.")),
)
_OWN_FAULT: Final = ("0A", "21", "22", "23", "25", "2F", "39", "42", "54", "P0", "XX")
"""Unsupported feature, cardinality, data, constraint, transaction state, function, syntax or rule, program limit, and
what PostgreSQL calls an internal error when a value outgrows its memory (manual, appendix A)."""


def problem_of(
    error: asyncpg.PostgresError, *, names: Mapping[str, str], timeout_ms: int, elapsed_seconds: float
) -> Problem | None:
    """The problem that an error of the statement is; None when it is an operational one.

    Args:
        error: what PostgreSQL answered.
        names: physical relation names and the logical ones that stand for them in messages.
        timeout_ms: the statement's limit.
        elapsed_seconds: how long it ran, by which a timeout differs from a cancellation by hand.
    """
    state = error.sqlstate or ""
    if state == _CANCELLED:
        timed_out = elapsed_seconds * 1000 >= timeout_ms * 0.9
        return QueryTimeout(timeout_ms) if timed_out else QueryCancelled("The query was cancelled by an operator.")
    if state == _OUT_OF_MEMORY and _SHARED not in str(error):
        return QueryOutOfMemory(
            "It needs more memory than a query may take. Aggregate less into one value, repeat and join less text, or "
            "filter first."
        )
    if ROW_TOO_LARGE in str(error):
        return RowTooLarge("A row has more than 8 MiB. Aggregate less of it into one value.")
    passing = next((make() for states, make in _BY_STATE if state.startswith(states)), None)
    if passing is not None or not state.startswith(_OWN_FAULT):
        return passing
    message = safe_message(str(error), names) if not state.startswith("XX") else "PostgreSQL cannot compute this."
    fault = Fault(pointer="/sql", code=f"sqlstate-{state}", message=message)
    return QueryFailed(message, sqlstate=state, faults=[fault])


def safe_message(message: str, names: Mapping[str, str]) -> str:
    """The primary message with logical names in place of physical ones, capped."""
    line = message.split("\n", 1)[0]
    for physical, logical in names.items():
        line = re.sub(rf"\b{re.escape(physical)}\b", logical, line)
    return line[:MESSAGE_CHARACTERS]
