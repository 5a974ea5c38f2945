"""Background tasks: no error ends one, every failure is counted and logged, and the end of the block ends them all."""

import asyncio
import dataclasses
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.credentials.last_used import KeysLastUsed
from app.access.sessions.last_used import SessionsLastUsed
from app.access.signing.directory import KeyDirectory
from app.kernel.db.database import Database
from app.kernel.db.lookups import Lookups
from app.kernel.jobs import Worker, runs
from app.kernel.jobs.service import EngineService
from app.kernel.jobs.worker import HEARTBEAT
from app.kernel.problems import Conflict
from app.kernel.runtime.background import (
    LONGEST_PAUSE,
    BackgroundTask,
    Look,
    Looks,
    Pace,
    background,
    intervals,
    pause_after,
    repeating,
    watching,
)
from app.kernel.runtime.resources import Resources
from app.kernel.security.security_events import SecurityEvents
from app.kernel.telemetry import metrics
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import BACKGROUND_FAILURES, BACKGROUND_LAST_RAN, REGISTRY
from app.operations.metrics.metric_samples import Sampler
from app.operations.modes.shield import ModeWatch
from app.operations.notifications.delivery.background import PROBE
from app.operations.notifications.delivery.delivery import Delivery
from app.operations.notifications.delivery.lanes import Lane, SlowChannels
from app.operations.security.edge.edge_state import Edge
from app.registry import DOMAINS
from app.settings import ServerSettings, Settings
from app.wiring import api_background, background_intervals, worker_background
from tests.service_processes import eventually

TASKS = {task.name: task for domain in DOMAINS for task in domain.background}
FAILED, STILL, AGAIN = (
    "a background task failed and goes on",
    "a background task still fails",
    "a background task works again",
)

UNFORESEEN: dict[str, Callable[[], BaseException]] = {
    "RuntimeError": lambda: RuntimeError("unforeseen"),
    "KeyError": lambda: KeyError("unforeseen"),
    "Problem": lambda: Conflict("unforeseen"),
    "asyncpg": lambda: asyncpg.InterfaceError("unforeseen"),
    "PostgreSQL": lambda: asyncpg.UndefinedTableError("unforeseen"),
    "OSError": lambda: OSError("unforeseen"),
    "a stray cancellation": asyncio.CancelledError,
}

REACHED: tuple[tuple[type[Any], str], ...] = (
    (Database, "read"),
    (Database, "write"),
    (Database, "run"),
    (Database, "snapshot"),
    (Lookups, "one"),
    (SecurityEvents, "take"),
    (SessionsLastUsed, "take_due"),
    (KeysLastUsed, "take"),
    (KeyDirectory, "fingerprint"),
    (SlowChannels, "at"),
    (Delivery, "_write"),
    (Sampler, "changes"),
)
"""What looks come past. A task that reaches the database is covered by itself; one that reaches something else fails
the test below until that stands here."""


def failures(name: str) -> float:
    return float(BACKGROUND_FAILURES.labels(name)._value.get())


def last_ran(name: str) -> float:
    return float(BACKGROUND_LAST_RAN.labels(name)._value.get())


class Quick(Pace):
    """Rests for no time, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.rests: list[float] = []
        self.time = 0.0
        self.now = lambda: self.time
        self.jitter = lambda _, most: most

    async def rest(self, seconds: float, wake: asyncio.Event | None = None) -> None:
        self.rests.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)
        if wake is not None:
            wake.clear()


@contextmanager
def everything_raises(error: Callable[[], BaseException]) -> Iterator[None]:
    """Within the block, whatever looks come past raises."""

    def throw(*_: object, **__: object) -> None:
        raise error()

    intact = asyncpg.Connection.execute

    async def execute(self: Any, query: str, *args: Any, **named: Any) -> str:
        if query == PROBE:  # other statements may be the commit of a look that is under way
            throw()
        return await intact(self, query, *args, **named)

    class Unmeasurable:
        set = throw

    with pytest.MonkeyPatch.context() as broken:
        for owner, name in REACHED:
            broken.setattr(owner, name, throw)
        broken.setattr(metrics, "EVENT_LOOP_LAG", Unmeasurable())
        broken.setattr(Lane, "next", throw)
        broken.setattr(asyncpg.Connection, "execute", execute)
        yield


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are too short to wait for, and messages come as soon as something is wrong."""

    async def rest(_: Pace, __: float, ___: asyncio.Event | None = None) -> None:
        await asyncio.sleep(0.002)

    async def next_or_nothing(self: Lane) -> Any:
        while Lane.next is next_or_nothing:  # noqa: ASYNC110 - what it waits for is a patch
            await asyncio.sleep(0.002)
        return await Lane.next(self)

    monkeypatch.setattr(Pace, "rest", rest)
    monkeypatch.setattr(Lane, "next", next_or_nothing)


@pytest.fixture
def equipped(resources: Resources, tmp_path: Path) -> Resources:
    """Resources with which every task has something to do."""
    resources.extensions.add(ModeWatch(), Edge())
    access = resources.settings.access.model_copy(update={"signing_keys": tmp_path})
    return dataclasses.replace(resources, settings=resources.settings.model_copy(update={"access": access}))


@asynccontextmanager
async def running(task: BackgroundTask, resources: Resources) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """The named tasks of the loop that a background task has started; all over at the end."""
    before = asyncio.all_tasks()
    async with background([task], resources):
        mine = [each for each in asyncio.all_tasks() - before if not each.get_name().startswith("Task-")]
        yield mine
    assert all(each.done() for each in mine)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", TASKS)
async def test_no_error_ends_a_background_task(
    name: str, equipped: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    loops = intervals([TASKS[name]], equipped.settings)
    async with running(TASKS[name], equipped) as mine:
        assert {each.get_name() for each in mine} == set(loops), "what it declares is what it runs"
        for kind, error in UNFORESEEN.items():
            await _survived(kind, error, loops, caplog)
            assert not [each.get_name() for each in mine if each.done()], kind


async def _survived(
    kind: str, error: Callable[[], BaseException], loops: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    before = {loop: failures(loop) for loop in loops}
    caplog.clear()
    with everything_raises(error):

        async def counted() -> bool:
            return all(failures(loop) >= before[loop] + 2 for loop in loops)

        await eventually(counted)
    told = {getattr(record, "task", None): record for record in caplog.records if record.getMessage() == FAILED}
    for loop, every in loops.items():
        if not every and kind != next(iter(UNFORESEEN)):
            continue  # nothing came that it could have done well: its series goes on, and is told of already
        exception = told[loop].exc_info
        assert exception is not None, (kind, loop)
        assert isinstance(exception[1], type(error())), (kind, loop)
        assert exception[1].__traceback__ is not None
    ended = {loop: last_ran(loop) for loop, every in loops.items() if every}

    async def well() -> bool:
        return all(last_ran(loop) > at for loop, at in ended.items())

    await eventually(well)


@pytest.mark.usefixtures("quick")
async def test_the_heart_of_a_worker_goes_on_beating(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(_: EngineService, __: object, ___: object, shutdown: asyncio.Event, *_____: object) -> None:
        await shutdown.wait()

    monkeypatch.setattr(EngineService, "run", wait)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(resources, []).run(stop))
    for error in UNFORESEEN.values():
        before = failures(HEARTBEAT)

        async def throw(*_: object, error: Callable[[], BaseException] = error, **__: object) -> None:
            raise error()

        async def counted(before: float = before) -> bool:
            return failures(HEARTBEAT) >= before + 2

        with monkeypatch.context() as broken:
            broken.setattr(runs, "beat", throw)
            await eventually(counted)
        at = last_ran(HEARTBEAT)

        async def well(at: float = at) -> bool:
            return last_ran(HEARTBEAT) > at

        await eventually(well)
        assert not working.done()
    stop.set()
    await working


def test_every_background_task_can_be_listed(settings: Settings) -> None:
    tasks = [task for domain in DOMAINS for task in domain.background]
    assert len({task.name for task in tasks}) == len(tasks)
    assert {task.name for task in (*api_background(), *worker_background())} == {task.name for task in tasks}
    declared = [name for task in tasks for name in task.loops()]
    listed = background_intervals(settings)
    assert sorted([*declared, HEARTBEAT]) == sorted(listed), "names are used once"
    assert all(0.0 <= every <= 60.0 for every in listed.values())
    assert listed["outbox-claims"] == settings.notify.poll_seconds
    assert listed[HEARTBEAT] == pytest.approx(settings.jobs.lease_seconds / 3)


@pytest.mark.parametrize(
    ("every", "longest", "expected"),
    [
        (0.4, 2.0, [0.4, 0.8, 1.6, 2.0, 2.0]),
        (1.0, 2.0, [1.0, 2.0, 2.0, 2.0, 2.0]),
        (60.0, 60.0, [1.0, 2.0, 4.0, 8.0, 16.0]),
        (0.0, 2.0, [1.0, 2.0, 2.0, 2.0, 2.0]),
        (3.3, 3.3, [1.0, 2.0, 3.3, 3.3, 3.3]),
        (0.3, 0.3, [0.3, 0.3, 0.3, 0.3, 0.3]),
    ],
)
def test_pauses_after_failures(every: float, longest: float, expected: list[float]) -> None:
    assert [pause_after(n, every, longest, lambda _, most: most) for n in range(1, 6)] == pytest.approx(expected)


@given(st.integers(1, 10**6), st.floats(0, 3600), st.floats(0.001, 3600), st.floats(0, 1))
def test_pauses_are_bounded_and_never_nothing(failed: int, every: float, longest: float, share: float) -> None:
    pause = pause_after(failed, every, longest, lambda least, most: least + share * (most - least))
    first = min(every or 1.0, 1.0)
    assert min(first, longest) / 2 <= pause <= longest
    assert pause <= pause_after(failed + 1, every, longest, lambda _, most: most)


async def _forever(look: Look, pace: Quick, seconds: float = 0.4, wake: asyncio.Event | None = None) -> None:
    """Run a loop until its look cancels the task."""
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(Looks("probe", seconds, pace=pace).forever(look, 0.0, wake))


def looking(*outcomes: type[BaseException] | None) -> Look:
    """A look that ends in these ways, and then cancels its loop."""
    rest = iter(outcomes)

    async def look() -> None:
        outcome = next(rest, asyncio.CancelledError)
        if outcome is asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.Event().wait()
        if outcome is not None:
            raise outcome("unforeseen")

    return look


async def test_a_series_of_failures_is_counted_told_once_and_over_with_the_first_success(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    before, pace = failures("probe"), Quick()
    await _forever(looking(None, *[KeyError] * 9, None, ValueError, None), pace)
    assert failures("probe") == before + 10
    assert pace.rests == pytest.approx([0, 0.4, 0.4, 0.8, 1.6, *[LONGEST_PAUSE] * 6, 0.4, 0.4, 0.4])
    told = [(record.getMessage(), getattr(record, "failures", 0), bool(record.exc_info)) for record in caplog.records]
    assert told == [
        (FAILED, 1, True),
        (STILL, 2, False),
        (STILL, 4, False),
        (STILL, 8, False),
        (AGAIN, 9, False),
        (FAILED, 1, True),
        (AGAIN, 1, False),
    ]
    assert {getattr(record, "task", None) for record in caplog.records} == {"probe"}


async def test_the_gauge_moves_with_looks_that_end_well() -> None:
    pace = Quick()
    pace.time = 1_000.0
    looks = Looks("probe", 5.0, pace=pace)
    assert last_ran("probe") == 1_000, "its beginning, so that one that never ends well is noticed"
    assert REGISTRY.get_sample_value("spyne_background_interval_seconds", {"task": "probe"}) == 5
    for at, outcome, expected in ((1_010, None, 1_010), (1_020, OSError, 1_010), (1_030, None, 1_030)):
        pace.time = float(at)
        assert bool(await looks.once(looking(outcome))) is (outcome is not None)
        assert last_ran("probe") == expected


async def test_a_loop_that_waits_by_itself_has_no_interval_to_be_late_for() -> None:
    Looks("waits-by-itself", 0.0)
    assert REGISTRY.get_sample_value("spyne_background_interval_seconds", {"task": "waits-by-itself"}) is None
    assert REGISTRY.get_sample_value("spyne_background_failures_total", {"task": "waits-by-itself"}) == 0


async def test_no_secret_gets_into_the_log() -> None:
    lines = io.BytesIO()
    handlers = list(logging.getLogger().handlers)
    try:
        configure_logging(ServerSettings(), lines)

        async def look() -> None:
            raise RuntimeError("password=hunter2 in postgresql://spyne:hunter3@host/db")

        await Looks("probe", 1.0).once(look)
    finally:
        logging.getLogger().handlers[:] = handlers
    (told,) = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    assert (told["event"], told["task"], told["exception"]["type"]) == (FAILED, "probe", "builtins.RuntimeError")
    assert told["exception"]["frames"]
    assert b"hunter" not in lines.getvalue()


async def _hang() -> None:
    await asyncio.Event().wait()


async def _swallow() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def _fail() -> None:
    raise KeyError


@pytest.mark.parametrize("look", [_hang, _swallow, _fail], ids=["hangs", "keeps cancellations to itself", "fails"])
async def test_the_end_of_the_block_ends_the_loop_promptly(look: Callable[[], Awaitable[None]]) -> None:
    before, begun = failures("probe"), asyncio.Event()

    async def looked() -> None:
        begun.set()
        await look()

    async with asyncio.timeout(5):
        async with repeating("probe", looked, 3600, begin_after=0.0):
            await begun.wait()
    assert "probe" not in {task.get_name() for task in asyncio.all_tasks()}
    assert failures("probe") == before + (look is _fail), "a cancellation is no failure"


async def test_an_error_of_the_block_passes_and_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        async with repeating("probe", _hang, 1.0, begin_after=0.0):
            raise ZeroDivisionError
    assert "probe" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_waking_ends_a_pause_but_none_after_a_failure() -> None:
    wake, looked = asyncio.Event(), asyncio.Event()
    times: list[bool] = []

    async def look() -> None:
        times.append(wake.is_set())
        looked.set()
        if len(times) == 2:
            raise OSError

    async with repeating("probe", look, 3600, begin_after=0.0, wake=wake):
        for _ in range(2):
            async with asyncio.timeout(5):
                await looked.wait()
            looked.clear()
            wake.set()
        await asyncio.sleep(0.02)
        assert times == [False, False], "cleared before the look; the pause after the failure goes on"


async def test_a_last_look_is_taken_at_the_end_and_cannot_fail_it() -> None:
    before, looks = failures("probe"), []

    async def look() -> None:
        looks.append(1)
        raise KeyError

    async with repeating("probe", look, 3600, at_end=look):
        assert looks == []
    assert (looks, failures("probe")) == ([1], before + 1)


async def test_a_watch_begins_with_what_it_must_know_or_not_at_all() -> None:
    looks: list[int] = []

    async def look() -> None:
        looks.append(1)

    async with watching("probe", look, 3600):
        assert looks == [1]
    with pytest.raises(KeyError):
        async with watching("probe", _fail, 3600):
            pytest.fail("it knows nothing")
