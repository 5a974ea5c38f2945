from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.kernel.backoff import backoff
from app.kernel.jobs.engine import grant_statements, install_statements
from app.kernel.jobs.models import JobState
from app.kernel.jobs.rules import MAX_ERROR_LENGTH, Decision, Ending, Facts, decide, describe, is_away, judge
from app.kernel.problems import Conflict, Unavailable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=10)
FRESH, STALE = NOW - LEASE / 2, NOW - LEASE


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("queued", 0, None, cancel_requested=False, key_free=True), Decision.START),
        (Facts("queued", 0, None, cancel_requested=False, key_free=False), Decision.WAIT),
        (Facts("queued", 2, STALE, cancel_requested=False, key_free=True), Decision.START),
        (Facts("queued", 3, None, cancel_requested=False, key_free=True), Decision.BURY),
        (Facts("queued", 0, None, cancel_requested=True, key_free=True), Decision.CANCEL),
        (Facts("queued", 0, None, cancel_requested=True, key_free=False), Decision.CANCEL),
        (Facts("queued", 1, FRESH, cancel_requested=False, key_free=True), Decision.START),
        (Facts("running", 1, FRESH, cancel_requested=False, key_free=True), Decision.WAIT),
        (Facts("running", 3, FRESH, cancel_requested=True, key_free=True), Decision.WAIT),
        (Facts("running", 1, STALE, cancel_requested=False, key_free=True), Decision.START),
        (Facts("running", 1, STALE, cancel_requested=False, key_free=False), Decision.WAIT),
        (Facts("running", 3, STALE, cancel_requested=False, key_free=True), Decision.BURY),
        (Facts("running", 3, STALE, cancel_requested=True, key_free=True), Decision.CANCEL),
        (Facts("running", 1, None, cancel_requested=False, key_free=True), Decision.START),
        *[
            (Facts(state, 0, None, cancel_requested=False, key_free=True), Decision.DROP)
            for state in ("succeeded", "failed", "dead", "cancelled")
        ],
    ],
)
def test_decide(facts: Facts, expected: Decision) -> None:
    assert decide(facts, 3, NOW, LEASE) is expected


def lost() -> OperationalError:
    error = OperationalError("SELECT 1", None, RuntimeError())
    error.connection_invalidated = True
    return error


@pytest.mark.parametrize(
    ("error", "starts", "expected"),
    [
        (ValueError(), 1, Ending.RETRY),
        (ValueError(), 3, Ending.FAILED),
        (Conflict(), 2, Ending.RETRY),
        (Unavailable("read-only"), 3, Ending.PUT_BACK),
        (lost(), 3, Ending.PUT_BACK),
        (PoolTimeout(), 3, Ending.PUT_BACK),
        (asyncpg.AdminShutdownError("x"), 3, Ending.PUT_BACK),
        (asyncpg.ConnectionDoesNotExistError("x"), 3, Ending.PUT_BACK),
        (FileNotFoundError("a handler's own file"), 3, Ending.FAILED),
        (ConnectionRefusedError("a handler's own peer"), 3, Ending.FAILED),
    ],
)
def test_judge(error: Exception, starts: int, expected: Ending) -> None:
    assert judge(error, starts, 3) is expected


def test_a_refusal_of_the_database_is_not_its_absence() -> None:
    assert not is_away(asyncpg.UniqueViolationError("x"))


@given(st.integers(-5, 10_000), st.timedeltas(timedelta(milliseconds=1), timedelta(seconds=5)))
def test_backoff_stays_within_its_bounds(times: int, first: timedelta) -> None:
    longest = timedelta(minutes=1)
    assert first / 2 - timedelta(microseconds=2) <= backoff(times, first, longest) <= longest


def test_backoff_doubles() -> None:
    pauses = [backoff(times, timedelta(seconds=1), timedelta(hours=1)).total_seconds() for times in range(1, 8)]
    assert all(2 ** (n - 1) / 2 <= pause <= 2 ** (n - 1) for n, pause in enumerate(pauses, 1))


def raised(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301 - its traceback is wanted
    except Exception as caught:  # noqa: BLE001 - whatever it is
        return caught


def test_descriptions_hold_no_data() -> None:
    assert describe(raised(ValueError("postgresql://u:hunter2@h"))).startswith(f"ValueError at {__name__}:")
    assert (
        describe(asyncpg.UniqueViolationError("Key (ssn)=(123)"))
        == "asyncpg.exceptions.UniqueViolationError SQLSTATE 23505"
    )
    assert describe(Conflict("Told to callers.")) == "conflict: Told to callers."
    assert len(describe(Conflict("x" * 10_000))) == MAX_ERROR_LENGTH


def test_the_engines_ddl_is_whole_and_durable() -> None:
    statements = install_statements()
    assert sum(statement.startswith("CREATE TABLE jobs.") for statement in statements) == 4
    assert all(statement.startswith("CREATE ") for statement in statements)
    assert not any("UNLOGGED" in statement for statement in statements)
    assert sum("$$" in statement for statement in statements) == 1
    assert not any(
        word in statement for statement in grant_statements("app") for word in ("ALL PRIVILEGES", "TRUNCATE", "CREATE")
    )


def test_states_and_endings_speak_of_the_same() -> None:
    assert {Ending.SUCCEEDED, Ending.FAILED, Ending.CANCELLED} <= {state.value for state in JobState}
