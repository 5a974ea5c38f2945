"""`audit_log`, `users` and `notifications`: control tables as files, for admins; and the sources of this plane."""

from collections.abc import AsyncGenerator
from dataclasses import fields
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from app.access.users.repository import people_without_secrets
from app.audit.log.actions import ACTION_PATTERN, Outcome, Verb
from app.audit.log.listing import entry_lines
from app.audit.log.repository import AuditFilter, matching_entries
from app.audit.log.schemas import MAX_TERM
from app.kernel.db.database import ReadSession
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import (
    Content,
    FilterParams,
    Piece,
    Pieces,
    Source,
    Statement,
    Subject,
    control_statement,
)
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment
from app.operations.exports.snapshot.taking import SnapshotSource
from app.operations.notifications.outbox.repository import outbox_statement
from app.operations.notifications.schemas import Status

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

    async def content(self, resources: Resources, subject: Subject, form: Format) -> Content:  # noqa: ARG002 - of the protocol
        """The statement, or the lines."""
        asked = AuditParams.model_validate(subject)
        wanted = AuditFilter(**{item.name: getattr(asked, item.name) for item in fields(AuditFilter)})
        if form is not Format.NDJSON:
            return control_statement(matching_entries(wanted))

        async def write(session: ReadSession) -> AsyncGenerator[Piece, None]:
            async for lines, rows in entry_lines(session, wanted):
                yield Piece(lines, rows)

        return Pieces(write)


class UsersSource(Source[FilterParams]):
    """People and their roles, without anything that logs in."""

    name: ClassVar[str] = "users"
    permission: ClassVar[Permission] = Permission.USERS_ADMIN

    async def content(self, resources: Resources, subject: Subject, form: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement."""
        return control_statement(people_without_secrets())


class MessageParams(FilterParams):
    """Which messages; all of it narrows."""

    status: Status | None = Field(None, description="What has become of them.")
    since: Moment | None = Field(None, description="Written not before this time.")
    until: Moment | None = Field(None, description="Written before this time.")


class MessagesSource(Source[MessageParams]):
    """The outbox."""

    name: ClassVar[str] = "notifications"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = MessageParams

    async def content(self, resources: Resources, subject: Subject, form: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement."""
        wanted = MessageParams.model_validate(subject)
        status = None if wanted.status is None else wanted.status.value
        return control_statement(outbox_statement(status, wanted.since, wanted.until))


EXPORT_SOURCES: Final = (AuditSource(), UsersSource(), MessagesSource(), SnapshotSource())
