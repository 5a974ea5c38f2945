"""What the dashboard shows of the audit log."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.audit.log.actions import ACTION_PATTERN, Outcome, Verb
from app.audit.log.listing import entry_lines
from app.audit.log.repository import matching_entries
from app.audit.log.schemas import MAX_TERM, AuditFilter
from app.kernel.db.database import ReadSession
from app.kernel.ports.dashboard import StatementTile
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import Content, FilterParams, Piece, Pieces, Source, Subject, control_statement
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment


class AuditTile(BaseModel):
    """Seals of the audit log."""

    seals: int = Field(description="Seals so far.")
    sealed_rows: int = Field(description="Rows under them.")
    last_seal_age_seconds: float | None = Field(description="Since the last seal; null before the first.")
    oldest_unsealed_seconds: float = Field(description="Age of the oldest row that no seal covers.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "audit",
        AuditTile,
        """
        SELECT coalesce(l.number, 0) AS seals, coalesce(l.total, 0) AS sealed_rows,
            extract(epoch FROM clock_timestamp()) - l.sealed_at / 1e6 AS last_seal_age_seconds,
            greatest(coalesce(extract(epoch FROM clock_timestamp() - u.time), 0), 0) AS oldest_unsealed_seconds
        FROM (VALUES (1)) one
        LEFT JOIN LATERAL (
            SELECT number, total, sealed_at, horizon FROM spyne.audit_seals ORDER BY number DESC LIMIT 1) l ON true
        LEFT JOIN LATERAL (
            SELECT e.time FROM spyne.audit_log e WHERE e.transaction_id >= coalesce(l.horizon, 0)
            AND NOT EXISTS (SELECT FROM spyne.audit_sealed_entries m WHERE m.entry_id = e.id)
            ORDER BY e.transaction_id, e.id LIMIT 1) u ON true
        """,
    ),
)


Term = Annotated[str, StringConstraints(max_length=MAX_TERM)]


class AuditParams(FilterParams):
    """Which rows, as `GET /api/audit` narrows them."""

    actor_id: UUID | None = Field(None, description="Id of who did it.")
    actor: Term | None = Field(None, description="Label of who did it, exactly.")
    action: Annotated[Term, StringConstraints(pattern=ACTION_PATTERN)] | None = Field(
        None, description="What was done."
    )
    verb: Verb | None = Field(None, description="Kind of action.")
    entity_type: Term | None = Field(None, description="Kind of thing acted on.")
    entity_id: Term | None = Field(None, description="Id of the thing.")
    correlation_id: Term | None = Field(None, description="Request or job that did it.")
    outcome: Outcome | None = Field(None, description="How it ended.")
    since: Moment | None = Field(None, description="Not before this time.")
    until: Moment | None = Field(None, description="Before this time.")


class AuditSource(Source[AuditParams]):
    """The audit log; as NDJSON in the very form of `GET /api/audit`."""

    name: ClassVar[str] = "audit_log"
    permission: ClassVar[Permission] = Permission.AUDIT_READ
    params: ClassVar[type[FilterParams]] = AuditParams

    async def content(self, subject: Subject, file_format: Format) -> Content:
        """The statement, or the lines."""
        wanted = AuditFilter(**dict(AuditParams.model_validate(subject)))
        if file_format is not Format.NDJSON:
            return control_statement(matching_entries(wanted))

        async def write(session: ReadSession) -> AsyncGenerator[Piece, None]:
            async for lines, rows in entry_lines(session, wanted):
                yield Piece(lines, rows)

        return Pieces(write)
