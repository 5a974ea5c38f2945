"""Which mode is in force: the table of the rule, and what holds whatever the times are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.db.database import OperationClass
from app.operations.modes.modes import Maintenance, MaintenanceMode
from app.operations.modes.window_rules import ModeBasis, Window, WindowState, faults, in_force, is_draining, state_of

NORMAL, READ_ONLY, MAINTENANCE = MaintenanceMode.NORMAL, MaintenanceMode.READ_ONLY, MaintenanceMode.MAINTENANCE
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
END = START + HOUR
BEFORE, DURING, AFTER = START - HOUR, START + HOUR / 2, END + HOUR
ID = UUID(int=1)
BY_HAND, BY_WINDOW = "by hand", "by window"


def window(mode: MaintenanceMode = READ_ONLY) -> Window:
    return Window(ID, mode, START, END, BY_WINDOW)


@pytest.mark.parametrize(
    ("manual", "decided", "planned", "now", "mode", "whose"),
    [
        # outside of the window what was decided by hand holds
        (NORMAL, None, READ_ONLY, START - SECOND, NORMAL, BY_HAND),
        (NORMAL, None, READ_ONLY, END, NORMAL, BY_HAND),
        (READ_ONLY, BEFORE, MAINTENANCE, START - SECOND, READ_ONLY, BY_HAND),
        (READ_ONLY, BEFORE, MAINTENANCE, END, READ_ONLY, BY_HAND),
        # within it the window holds, from its start until before its end
        (NORMAL, None, READ_ONLY, START, READ_ONLY, BY_WINDOW),
        (NORMAL, BEFORE, READ_ONLY, DURING, READ_ONLY, BY_WINDOW),
        (NORMAL, BEFORE, MAINTENANCE, END - SECOND, MAINTENANCE, BY_WINDOW),
        # what was decided before the window is not loosened by it
        (READ_ONLY, BEFORE, MAINTENANCE, DURING, MAINTENANCE, BY_WINDOW),
        (MAINTENANCE, BEFORE, READ_ONLY, DURING, MAINTENANCE, BY_HAND),
        (READ_ONLY, BEFORE, READ_ONLY, DURING, READ_ONLY, BY_HAND),
        # what is decided during the window wins, stricter or not, and stays when it ends
        (NORMAL, START, READ_ONLY, DURING, NORMAL, BY_HAND),
        (NORMAL, DURING, MAINTENANCE, DURING, NORMAL, BY_HAND),
        (MAINTENANCE, DURING, READ_ONLY, DURING, MAINTENANCE, BY_HAND),
        (MAINTENANCE, DURING, READ_ONLY, AFTER, MAINTENANCE, BY_HAND),
        (READ_ONLY, DURING, MAINTENANCE, DURING, READ_ONLY, BY_HAND),
    ],
)
def test_the_mode_in_force(
    manual: MaintenanceMode,
    decided: datetime | None,
    planned: MaintenanceMode,
    now: datetime,
    mode: MaintenanceMode,
    whose: str,
) -> None:
    found = in_force(Maintenance(manual, BY_HAND), decided, window(planned), now)
    assert (found.mode, found.reason) == (mode, whose)
    assert (found.window_id, found.until) == ((ID, END) if whose == BY_WINDOW else (None, None))


moments = st.datetimes(datetime(2025, 12, 1), datetime(2026, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
modes = st.sampled_from(MaintenanceMode)


@given(modes, st.none() | moments, st.sampled_from([READ_ONLY, MAINTENANCE]), moments)
def test_a_window_never_lets_more_through_than_was_decided(
    manual: MaintenanceMode, decided: datetime | None, planned: MaintenanceMode, now: datetime
) -> None:
    by_hand = Maintenance(manual)
    found = in_force(by_hand, decided, window(planned), now)
    for operation in OperationClass:
        assert by_hand.admits(operation) or not found.admits(operation)
    assert found.admits(OperationClass.CONTROL)
    if not START <= now < END:
        assert found == by_hand


@pytest.mark.parametrize(
    ("planned", "operation", "decided", "now", "drains"),
    [
        (READ_ONLY, OperationClass.WRITE, None, START - 31 * SECOND, False),
        (READ_ONLY, OperationClass.WRITE, None, START - 30 * SECOND, True),
        (READ_ONLY, OperationClass.WRITE, None, DURING, True),
        (READ_ONLY, OperationClass.WRITE, DURING, DURING, False),
        (READ_ONLY, OperationClass.WRITE, BEFORE, DURING, True),
        (READ_ONLY, OperationClass.WRITE, None, END, False),
        (READ_ONLY, OperationClass.RECORD, None, START - SECOND, False),
        (READ_ONLY, OperationClass.READ, None, DURING, False),
        (MAINTENANCE, OperationClass.RECORD, None, START - SECOND, True),
        (MAINTENANCE, OperationClass.CONTROL, None, DURING, False),
    ],
)
def test_jobs_drain_before_a_window(
    planned: MaintenanceMode, operation: OperationClass, decided: datetime | None, now: datetime, drains: bool
) -> None:
    assert is_draining(window(planned), decided, operation, now, 30 * SECOND) is drains
    standing = ModeBasis(Maintenance(), decided, 1, window(planned), now)
    assert standing.takes_jobs(operation, 30 * SECOND) is not drains


@given(modes, st.none() | moments, moments, st.sampled_from(OperationClass))
def test_no_job_is_taken_that_the_mode_does_not_admit(
    manual: MaintenanceMode, decided: datetime | None, now: datetime, operation: OperationClass
) -> None:
    standing = ModeBasis(Maintenance(manual), decided, 1, window(), now)
    assert standing.in_force().admits(operation) or not standing.takes_jobs(operation, timedelta(0))


@pytest.mark.parametrize(
    ("cancelled", "now", "state"),
    [
        (None, START - SECOND, WindowState.PLANNED),
        (None, START, WindowState.RUNNING),
        (None, END - SECOND, WindowState.RUNNING),
        (None, END, WindowState.OVER),
        (BEFORE, DURING, WindowState.CANCELLED),
        (DURING, AFTER, WindowState.CANCELLED),
    ],
)
def test_states(cancelled: datetime | None, now: datetime, state: WindowState) -> None:
    assert state_of(START, END, cancelled, now) is state


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "wrong"),
    [
        (START, END, []),
        (START - SECOND, END, [("/starts_at", "past")]),
        (START, START, [("/ends_at", "not-after-start")]),
        (BEFORE, BEFORE - HOUR, [("/starts_at", "past"), ("/ends_at", "not-after-start")]),
        (START, START + timedelta(days=31), []),
        (START, START + timedelta(days=31, seconds=1), [("/ends_at", "too-long")]),
    ],
)
def test_times_of_a_new_window(starts_at: datetime, ends_at: datetime, wrong: list[tuple[str, str]]) -> None:
    assert [(fault.pointer, fault.code) for fault in faults(starts_at, ends_at, START)] == wrong
