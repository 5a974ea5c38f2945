"""The checks of a process: each timed, the whole bounded, the answer kept for a second.

Probes come from several load balancers at once; however many they are, the database is asked once a second.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.audit.seals.sealing import standing
from app.kernel.db.database import Database, sqlstate
from app.kernel.db.failures import FAILURES
from app.kernel.db.migrations import StaleSchemaError, require_head
from app.kernel.db.room import require_room
from app.kernel.jobs import workers_seen
from app.kernel.storage.free_space import disk_usage
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.modes.modes import MaintenanceMode
from app.operations.modes.shield import ModeWatch
from app.operations.notifications.outbox.messages import oldest_waiting_seconds
from app.settings import MIB, Settings

WHOLE_SECONDS: Final = 1.0
"""The bound of all checks together: a database that needs longer for a few single-row reads is not ready."""

FRESH_SECONDS: Final = 1.0

ROOM_SECONDS: Final = 10.0
"""Between two looks for room on the database's disk, each of which writes half a MiB."""

WORKER_SEEN_WITHIN: Final = timedelta(seconds=30)
"""Three leases of a job: a worker that is silent for longer is taken for gone."""

LATE_SEAL_SECONDS: Final = 300.0
"""The audit log is sealed every few seconds; see the alert of the same bound in deploy/prometheus."""

LATE_MESSAGE_SECONDS: Final = 900.0
"""Beyond the first retries of a message: its receiver is away, or nobody sends."""


class HealthStatus(StrEnum):
    """How a check ended, the best first."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found."""

    verdict: HealthStatus
    detail: str | None = None
    milliseconds: float = 0.0


CheckResults = dict[str, CheckResult]
Look = Callable[[], Awaitable[CheckResult]]
OK: Final = CheckResult(HealthStatus.OK)


def overall(results: CheckResults) -> HealthStatus:
    """The worst verdict."""
    return max((found.verdict for found in results.values()), key=list(HealthStatus).index, default=HealthStatus.OK)


class Checkup:
    """The checks of one API process."""

    def __init__(self, modes: ModeWatch, database: Database, storage: ObjectStorage, settings: Settings) -> None:
        self._pools, self._objects = database, storage
        self._modes = modes
        self._home, self._min_free_bytes = settings.home, settings.health.min_free_bytes
        self._room_looked_at = -ROOM_SECONDS
        self._kept: dict[str, tuple[float, CheckResults]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.fresh_seconds = FRESH_SECONDS
        self.leaving = False
        """Whether the process is to stop: it is not ready any more."""

    async def readiness(self) -> CheckResults:
        """What requests need, and whether workers were seen; those make nobody unready."""
        return await self._recent("ready", self._essential())

    async def summary(self) -> CheckResults:
        """What every check found."""
        return await self._recent("all", self._essential() | self._further())

    def _essential(self) -> dict[str, Look]:
        return {
            "database": self._database,
            "migrations": self._migrations,
            "workers": self._workers,
            "disk": self._disk,
        }

    def _further(self) -> dict[str, Look]:
        return {"mode": self._mode, "storage": self._storage, "audit": self._audit, "outbox": self._outbox}

    async def _recent(self, name: str, looks: dict[str, Look]) -> CheckResults:
        async with self._one_at_a_time:
            at, found = self._kept.get(name, (-self.fresh_seconds, {}))
            if not found or time.monotonic() - at >= self.fresh_seconds:
                found = await self._look(looks)
                self._kept[name] = (time.monotonic(), found)
        return found | {"process": CheckResult(HealthStatus.FAILING, "shutting down")} if self.leaving else found

    async def _look(self, looks: dict[str, Look]) -> CheckResults:
        deadline = asyncio.get_running_loop().time() + WHOLE_SECONDS
        found = await asyncio.gather(*(_timed(name, look, deadline) for name, look in looks.items()))
        return dict(zip(looks, found, strict=True))

    async def _database(self) -> CheckResult:
        await self._pools.ping()
        return OK

    async def _migrations(self) -> CheckResult:
        async with self._pools.read() as session:
            try:
                await require_head(session)
            except StaleSchemaError as error:
                return CheckResult(HealthStatus.FAILING, str(error))
        return OK

    async def _workers(self) -> CheckResult:
        async with self._pools.read() as session:
            seen = await workers_seen(session, WORKER_SEEN_WITHIN)
        return CheckResult(HealthStatus.OK, f"{seen} seen") if seen else CheckResult(HealthStatus.DEGRADED, "none seen")

    async def _disk(self) -> CheckResult:
        """Whether writes have failed of late, would fail now in the database, or will before long."""
        if time.monotonic() - self._room_looked_at >= ROOM_SECONDS:
            self._room_looked_at = time.monotonic()
            await self._look_for_room()
        failing = self._pools.write_failures.recent() or self._objects.write_failures.recent()
        if failing is not None:
            return CheckResult(HealthStatus.DEGRADED, f"writes fail: {failing}")
        free = (await asyncio.to_thread(disk_usage, self._home)).free
        if free < self._min_free_bytes:
            return CheckResult(HealthStatus.DEGRADED, f"{free / MIB:.0f} MiB are free in the state directory")
        return OK

    async def _look_for_room(self) -> None:
        try:
            await require_room(self._pools)
        except DBAPIError as error:
            self._pools.write_failures.note_state(sqlstate(error))

    async def _mode(self) -> CheckResult:
        mode = self._modes.current().mode
        return CheckResult(HealthStatus.OK if mode is MaintenanceMode.NORMAL else HealthStatus.DEGRADED, mode.value)

    async def _storage(self) -> CheckResult:
        await self._objects.probe()
        return OK

    async def _audit(self) -> CheckResult:
        found = await standing(self._pools)
        age = max(0.0, found.age_seconds) if found.waiting is not None else 0.0
        return _aged(age, LATE_SEAL_SECONDS, "oldest row without a seal")

    async def _outbox(self) -> CheckResult:
        age = await oldest_waiting_seconds(self._pools)
        return _aged(age, LATE_MESSAGE_SECONDS, "oldest message")


def _aged(seconds: float, late: float, what: str) -> CheckResult:
    return CheckResult(HealthStatus.DEGRADED if seconds > late else HealthStatus.OK, f"{what}: {seconds:.0f} s")


_ESSENTIAL: Final = frozenset({"database", "migrations"})


async def _timed(name: str, look: Look, deadline: float) -> CheckResult:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout_at(deadline):
            found = await look()
    except FAILURES as error:
        verdict = HealthStatus.FAILING if name in _ESSENTIAL else HealthStatus.DEGRADED
        found = CheckResult(verdict, type(error).__name__)
    return CheckResult(found.verdict, found.detail, round((time.perf_counter() - begun) * 1000, 2))
