"""Requests and answers of edge protection, besides the policy."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kernel.schemas import Reason, StrictModel
from app.kernel.timestamps import Moment
from app.operations.security.edge.blocking import BlockKind, MadeBy
from app.operations.security.edge.decoys import MAX_PATH
from app.operations.security.edge.rates import MAX_AMOUNT, MAX_WINDOW_SECONDS, RateRule, RateScope, RouteClass
from app.operations.security.models import ResponseRow

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
MAX_SECONDS = 365 * 86_400


class RateRuleDocument(StrictModel):
    """How many requests of a class are taken."""

    route_class: RouteClass = Field(description="Which requests; `other` are those of unknown paths.")
    scope: RateScope = Field(description="By caller, when the credential is known; else by address (IPv6: its /64).")
    amount: int = Field(ge=1, le=MAX_AMOUNT, description="Requests taken within a window.", examples=[6000])
    window_seconds: int = Field(ge=1, le=MAX_WINDOW_SECONDS, description="Length of the window.", examples=[60])
    enabled: bool = Field(default=True, description="Whether the rule is in force.")

    def rule(self) -> RateRule:
        """The rule."""
        return RateRule(**self.model_dump())


class RateLimitsDocument(StrictModel):
    """Every rate rule: one for each class and scope."""

    rules: list[RateRuleDocument] = Field(max_length=50, description="All of them; a missing one is a fault.")

    @classmethod
    def of(cls, rules: Sequence[RateRule]) -> "RateLimitsDocument":
        """The document of a table of rules."""
        return cls(rules=[RateRuleDocument.model_validate(rule, from_attributes=True) for rule in rules])


class ResponseRule(StrictModel):
    """What is done by itself when a kind of event comes too often from one address."""

    event_kind: Kind = Field(description="Kind of event.", examples=["honeypot-hit"])
    threshold: int = Field(ge=1, le=1_000_000, description="Events within the window which call for it.")
    window_seconds: int = Field(ge=1, le=86_400, description="Length of the window.")
    block_seconds: int = Field(ge=1, le=MAX_SECONDS, description="How long the address (IPv6: its /64) is blocked.")
    enabled: bool = Field(description="Whether the rule is in force.")


class ResponsesDocument(StrictModel):
    """Every rule of automatic response."""

    rules: list[ResponseRule] = Field(max_length=50, description="All of them, one per kind of event at most.")

    @classmethod
    def of(cls, rows: Sequence[ResponseRow]) -> "ResponsesDocument":
        """The document of the stored rules."""
        return cls(rules=[ResponseRule.model_validate(row, from_attributes=True) for row in rows])


class BlockRequest(StrictModel):
    """Somebody to be shut out."""

    kind: BlockKind = Field(description="What is blocked.", examples=["address"])
    target: str = Field(
        max_length=100, description="Address, network, or id of a user or client.", examples=["198.51.100.7"]
    )
    reason: Reason = Field(description="Why; not told to who is blocked.", examples=["guesses passwords"])
    expires_at: Moment | None = Field(None, description="Over from then on; absent: until it is ended.")
    force: bool = Field(default=False, description="Although it is loopback, a proxy of ours, or never to be blocked.")


class BlockDocument(BaseModel):
    """A block, in force or over."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    kind: BlockKind = Field(description="What is blocked.")
    target: str = Field(description="Address, network, or id of a user or client.")
    reason: str = Field(description="Why.")
    made_by: MadeBy = Field(description="An admin or a rule.")
    created_by: str = Field(description="The admin's name, or the kind of event of the rule.")
    created_at: datetime = Field(description="Since when.")
    expires_at: datetime | None = Field(description="Over from then on; null: until it is ended.")
    ended_at: datetime | None = Field(description="When it was ended.")
    ended_by: str | None = Field(description="Who ended it; `expiry` by itself.")


class EventDocument(BaseModel):
    """What happened from one address and by one subject within one minute."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    kind: str = Field(description="What happened.", examples=["honeypot-hit"])
    address: str | None = Field(description="Client address.")
    subject: str | None = Field(description="`user:<id>` or `client:<id>`.")
    first_at: datetime = Field(description="First time.")
    last_at: datetime = Field(description="Last time.")
    count: int = Field(description="How often.")
    detail: dict[str, Any] = Field(description="Of the first time.")


class ActionRequest(StrictModel):
    """What to do about events."""

    kind: Literal["block", "disable-user"] = Field(
        description="Block an address or subject, or disable a user.", examples=["disable-user"]
    )
    target: str = Field(
        max_length=100,
        description="Address or network; `user:<id>` or `client:<id>`.",
        examples=["user:01890000-0000-7000-8000-000000000000"],
    )
    reason: Reason = Field(description="Why.", examples=["The account was taken over."])
    event_kind: Kind | None = Field(None, description="Kind of the events that this responds to.")
    expires_at: Moment | None = Field(None, description="Of a block: over from then on.")
    force: bool = Field(default=False, description="Of a block: although the target is protected.")


class ActionDocument(BaseModel):
    """What was done about events."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    kind: str = Field(description="What was done.", examples=["block"])
    target: str = Field(description="To whom.")
    reason: str = Field(description="Why.")
    made_by: MadeBy = Field(description="An admin or a rule.")
    created_by: str = Field(description="The admin's name, or the kind of event of the rule.")
    created_at: datetime = Field(description="When.")
    event_kind: str | None = Field(description="Kind of the events responded to.")
    block_id: UUID | None = Field(description="The block that was made.")
    undone_at: datetime | None = Field(description="When it was undone.")
    undone_by: str | None = Field(description="Who undid it.")


class HoneypotRequest(StrictModel):
    """A decoy to be laid out."""

    kind: Literal["route", "key"] = Field(description="An address, or an API key.")
    label: Reason = Field(description="What it is, and where it is laid out.", examples=["in the wiki, page Backup"])
    path: str | None = Field(None, max_length=MAX_PATH, description="Of an address.", examples=["/wp-login.php"])


class HoneypotDocument(BaseModel):
    """A decoy."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    kind: Literal["route", "key"] = Field(description="An address, or an API key.")
    label: str = Field(description="What it is, and where it was laid out.")
    path: str | None = Field(description="The address.")
    prefix: str | None = Field(description="Public part of the key.")
    created_by: str = Field(description="Who laid it out.")
    created_at: datetime = Field(description="Since when.")


class LaidOutHoneypot(HoneypotDocument):
    """A decoy that was just made."""

    key: str | None = Field(None, description="The key; shown this once.")
