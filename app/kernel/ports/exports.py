"""What can be exported: the protocol of a source, and their collection. Every plane registers its own.

A source turns a request into a `subject`, a small document that says what exactly is exported, and a subject into the
statement or the pieces that are written. It reads nothing while the request is answered but what it needs to refuse.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.catalogue import Catalogue
from app.kernel.ports.export_formats import ROWS, Format
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission

Subject: TypeAlias = Mapping[str, Any]
"""What exactly is exported: plain JSON without secrets."""

TABLE_IDS: Final = "table_ids"
"""Where a subject lists the ids of the versions of tables that it reads: by them an export under way is shown as a
dependant of each (`app/operations/exports/contributions.py`)."""

Params = TypeVar("Params", bound=BaseModel)


class Login(StrEnum):
    """The role of the database that a statement runs as."""

    QUERY = "query"
    """Reads published columns and nothing else: for everything that a caller has a say in."""
    RUNTIME = "runtime"
    """Reads control tables: for statements that are ours to the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Rows, as one SELECT in which every value is written out."""

    sql: str
    login: Login
    decimals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Precision and scale of `numeric` columns, where they are known."""
    timeout_ms: int = 0
    """PostgreSQL cancels the statement after this; 0 is no limit but the job's own."""
    work_mem_kb: int = 32_768
    max_rows: int | None = None
    """The limit: with more rows the export fails, it is never cut."""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Pieces:
    """A file that the source writes itself, piece by piece."""

    write: "Callable[..., AsyncGenerator[Piece, None]]"
    """Takes a session of one snapshot; what it takes besides is handed in by type, as `Resources.build` says."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bytes of a file, and the rows that are complete with them."""

    data: bytes
    rows: int = 0


Content: TypeAlias = Statement | Pieces


@dataclass(frozen=True, slots=True)
class Ended:
    """How an export ended, for a source that keeps a record of its own."""

    rows: int
    bytes: int
    seconds: float
    error_code: str | None = None


class FilterParams(BaseModel):
    """What a request says about what it wants of a source; sources extend it with fields."""

    model_config = ConfigDict(extra="forbid", strict=False)


class Source(ABC, Generic[Params]):
    """A thing that can be exported. Most have nothing to refuse, nothing to claim, nothing to take note of."""

    name: ClassVar[str]
    """The `job_type` of requests."""
    permission: ClassVar[Permission]
    """Needed besides `exports:run`, to ask and to download."""
    params: ClassVar[type[FilterParams]] = FilterParams
    formats: ClassVar[frozenset[Format]] = ROWS

    async def prepare(self, resources: Resources, actor: Actor, params: Params) -> Subject:  # noqa: ARG002 - for others
        """What is to be exported, looked up by services that are built from the resources: the parameters themselves.

        Raises:
            Problem: there is no such thing for the actor.
        """
        return params.model_dump(mode="json", exclude_none=True)

    async def claim(self, session: WriteSession, actor: Actor, export_id: UUID, subject: Subject) -> None:
        """Take what can be had once, in the transaction of the request. Raises a `Problem` when it is gone."""

    @abstractmethod
    async def content(self, subject: Subject, file_format: Format) -> Content:
        """What is written, which the subject alone decides; asked at the begin of the work."""

    async def may_read(self, session: ReadSession, actor: Actor, subject: Subject) -> bool:  # noqa: ARG002 - for others
        """Whether the actor, who holds the permission, may still have what the subject is."""
        return True

    async def ended(self, session: WriteSession, subject: Subject, ended: Ended) -> None:
        """Take note of the end, in its transaction. Asked once per export, or never when nobody could."""


ExportSource: TypeAlias = Source[Any]


class ExportSources(Catalogue[ExportSource]):
    """Every source of the service."""


def _dialect() -> PGDialect_asyncpg:
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without types
    dialect._backslash_escapes = False  # noqa: SLF001 - else known from a connection alone: the standard has none
    return dialect


_DIALECT: Final = _dialect()


def control_statement(select: Select[*tuple[Any, ...]]) -> Statement:
    """A statement on control tables, with its values written out as literals."""
    compiled = select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    return Statement(sql=str(compiled), login=Login.RUNTIME)
