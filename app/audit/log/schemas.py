"""Answers of the audit log, and the query parameters that filter it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AfterValidator, Field

from app.audit.log.actions import ACTION_PATTERN, Outcome, Verb
from app.audit.log.models import AuditEntry
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment

MAX_TERM = 256


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text holds the character NUL")
    return text


Term = Annotated[str, AfterValidator(_storable)]


class AuditActor(StrictModel):
    """Who did it."""

    kind: Literal["user", "api_client", "system"] = Field(description="What kind of caller.")
    id: UUID | None = Field(description="Id of the user or client.")
    label: str = Field(description="Name at that time; stays when the user is gone.", examples=["ada"])


class AuditedEntity(StrictModel):
    """What was acted on."""

    type: str = Field(description="Kind of thing.", examples=["table"])
    id: str | None = Field(description="Its id.")
    label: str | None = Field(description="Its name at that time.", examples=["flights"])


class AuditEntryDocument(StrictModel):
    """One thing that somebody did."""

    id: UUID = Field(description="UUIDv7 of the row.")
    time: datetime = Field(description="When, RFC 3339, by the database's clock.")
    actor: AuditActor = Field(description="Who.")
    action: str = Field(description="`subject:action`.", examples=["table:promote"])
    verb: Verb = Field(description="Kind of action across all domains.")
    entity: AuditedEntity = Field(description="What was acted on.")
    before: dict[str, Any] | None = Field(
        description="Changed fields before; secrets as keyed hashes. Null for a creation."
    )
    after: dict[str, Any] | None = Field(
        description="Changed fields after; secrets as keyed hashes. Null for a deletion."
    )
    correlation_id: str | None = Field(description="The request or job that did it.")
    trace_id: str | None = Field(description="W3C trace id.")
    client_address: str | None = Field(description="Peer address of the request.")
    outcome: Outcome = Field(description="How it ended.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows, as the query parameters of the list name them; absent conditions hold for all."""

    actor_id: Annotated[UUID | None, Query(description="Id of who did it.")] = None
    actor: Annotated[Term | None, Query(max_length=MAX_TERM, description="Label of who did it, exactly.")] = None
    action: Annotated[
        str | None, Query(max_length=MAX_TERM, pattern=ACTION_PATTERN, description="`subject:action`.")
    ] = None
    verb: Annotated[Verb | None, Query(description="Kind of action across all domains.")] = None
    entity_type: Annotated[Term | None, Query(max_length=MAX_TERM, description="Kind of thing acted on.")] = None
    entity_id: Annotated[Term | None, Query(max_length=MAX_TERM, description="Id of the thing acted on.")] = None
    correlation_id: Annotated[Term | None, Query(max_length=MAX_TERM, description="Request or job that did it.")] = None
    outcome: Annotated[Outcome | None, Query(description="How it ended.")] = None
    since: Annotated[Moment | None, Query(alias="from", description="Not before this time, RFC 3339 with offset.")] = (
        None
    )
    until: Annotated[Moment | None, Query(alias="to", description="Before this time, RFC 3339 with offset.")] = None


Filtering = Annotated[AuditFilter, Depends(AuditFilter)]


def entry_fields(row: Any) -> dict[str, Any]:
    """The fields of an entry's document, from a row of the log or the entry of the ORM alike."""
    return {
        "id": row.id,
        "time": row.time,
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "label": row.actor_label},
        "action": row.action,
        "verb": row.verb,
        "entity": {"type": row.entity_type, "id": row.entity_id, "label": row.entity_label},
        "before": row.before,
        "after": row.after,
        "correlation_id": row.correlation_id,
        "trace_id": row.trace_id,
        "client_address": row.client_address,
        "outcome": row.outcome,
    }


def entry_document(entry: AuditEntry) -> AuditEntryDocument:
    """The entry as HTTP shows it."""
    return AuditEntryDocument.model_validate(entry_fields(entry))
