"""What relies on a version of a table: what a domain declares, and the collection that plans and reports ask.

Tables stand below those who read them, so whoever keeps record of reading contributes a source; most are a statement.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import text

from app.kernel.db.database import ReadSession
from app.kernel.ports.catalogue import Catalogue

MAX_DEPENDANTS: Final = 100
"""Of one source: as many as a person reads through before a decision."""

EXECUTION: Final = "execution"
"""The kind of executed queries: whoever they are `by` is a reader of the table."""


@dataclass(frozen=True, slots=True)
class Dependant:
    """Something that relies on a version of a table."""

    kind: str
    """`execution`, `preview`, `export`, `join`, …"""
    id: str
    label: str
    """What a person is to know of the dependant, in a line."""
    by: str | None = None
    """Label of whose it is; None for what is nobody's."""
    at: datetime | None = None
    """When it was made, or seen last."""
    lasting: bool = True
    """Whether the dependant stays until somebody takes it away, as a join does.

    What comes and goes by itself (previews, exports under way, executions) is shown and stands outside the hash of a
    plan, which would change under one's hands.
    """


class DependantSource(Protocol):
    """Answers what of a domain relies on a version of a table."""

    @property
    def name(self) -> str:
        """The source's name, unique among the sources."""

    async def dependants(self, session: ReadSession, table_id: UUID) -> Sequence[Dependant]:
        """The dependants of the version, at most `MAX_DEPENDANTS` of them, by one statement."""


@dataclass(frozen=True, slots=True)
class StatementSource:
    """A source whose dependants are the rows of a statement, all of one kind."""

    name: str
    kind: str
    lasting: bool
    sql: str
    """Has the columns `id`, `label`, `by` and `at`; takes `:table_id` as text, and `:most` as the limit of rows."""

    async def dependants(self, session: ReadSession, table_id: UUID) -> Sequence[Dependant]:
        """The rows of the statement for this version."""
        rows = await session.execute(text(self.sql), {"table_id": str(table_id), "most": MAX_DEPENDANTS})
        return [Dependant(self.kind, **row, lasting=self.lasting) for row in rows.mappings()]


class DependantSources(Catalogue[DependantSource]):
    """Every source of the service."""

    async def dependants(self, session: ReadSession, table_id: UUID) -> tuple[Dependant, ...]:
        """What relies on the version, in the order of the domains: at most `MAX_DEPENDANTS` of each source."""
        found: list[Dependant] = []
        for source in self:
            found += (await source.dependants(session, table_id))[:MAX_DEPENDANTS]
        return tuple(found)


def readers(dependants: Iterable[Dependant]) -> tuple[str, ...]:
    """The labels of those who executed queries, each once, in the order of the alphabet; at most `MAX_DEPENDANTS`."""
    labels = {each.by for each in dependants if each.kind == EXECUTION and each.by is not None}
    return tuple(sorted(labels)[:MAX_DEPENDANTS])
