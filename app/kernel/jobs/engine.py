"""The engine, pgqueuer, kept in its place: schema `jobs`, names of ours, no environment, no DDL at run time.

Its rows are tickets: entrypoint = the job's name, payload = the run's id, which is also the deduplication key, so that
one run never has two live tickets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from app.kernel.db.database import WriteSession, driver_connection

QueriesKind = TypeVar("QueriesKind", bound=Queries)

JOBS_SCHEMA = "jobs"
CHANNEL = Channel("spyne_jobs")

ENGINE_SETTINGS = DBSettings(  # every name given, so that no variable of the environment can move a table
    prefix="",
    db_schema=JOBS_SCHEMA,
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=False,
)


def install_statements() -> list[str]:
    """The engine's DDL for an existing schema `jobs`, logged tables; each entry is one statement."""
    script = QueryBuilderEnvironment(ENGINE_SETTINGS).build_install_query(create_schema=False)
    body, quote, rest = script.partition("$$")
    function, _, tail = rest.partition("$$")
    *plain, head = _split(body)
    language, *after = _split(tail)
    return [*plain, f"{head}{quote}{function}{quote}{language}", *after]


def _split(script: str) -> list[str]:
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [statement.strip("\n") for statement in "\n".join(lines).split(";") if statement.strip()]


def grant_statements(role: str) -> list[str]:
    """What the runtime role needs in schema `jobs`: rows and sequences, no DDL, no TRUNCATE."""
    return [
        f"GRANT USAGE ON SCHEMA {JOBS_SCHEMA} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {JOBS_SCHEMA} TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {JOBS_SCHEMA} TO {role}",
    ]


def configured(kind: type[QueriesKind], driver: Driver) -> QueriesKind:
    """The engine's statements over a driver, with our names."""
    return kind(
        driver,
        qbe=QueryBuilderEnvironment(ENGINE_SETTINGS),
        qbq=QueryQueueBuilder(ENGINE_SETTINGS),
        qbs=QuerySchedulerBuilder(ENGINE_SETTINGS),
    )


@dataclass(frozen=True, slots=True)
class Ticket:
    """What brings a run to a worker, not before `delay` has passed."""

    run_id: UUID
    name: str
    priority: int
    delay: timedelta


async def issue(session: WriteSession, tickets: Sequence[Ticket]) -> None:
    """Put tickets into the queue within the session's transaction, which has executed something already.

    A run which has a live ticket gets no second one.
    """
    queries = configured(Queries, AsyncpgDriver(await driver_connection(session)))
    await queries.enqueue(
        [ticket.name for ticket in tickets],
        [ticket.run_id.bytes for ticket in tickets],
        [ticket.priority for ticket in tickets],
        [max(ticket.delay, timedelta(0)) for ticket in tickets],
        [str(ticket.run_id) for ticket in tickets],
        on_conflict="skip",
    )
