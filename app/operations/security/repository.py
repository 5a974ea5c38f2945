"""All SQL of edge protection."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, column, delete, func, not_, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.models import CONTROL_SCHEMA
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.retention_holds import lock_category
from app.kernel.security.policy import SecurityPolicy
from app.kernel.security.security_events import SecurityEvent
from app.operations.decisions import service as decisions
from app.operations.security.contributions import SECURITY_EVENTS
from app.operations.security.documents import PolicyDocument
from app.operations.security.edge.rates import RateRule, RateScope, RouteClass
from app.operations.security.models import ActionRow, BlockRow, EventRow, HoneypotRow, RateRuleRow, ResponseRow

POLICY = "security_policy"
RATES = "security_rate_limits"
RESPONSES = "security_responses"
REVISION = "security_revision"
"""Keys of `system_config`: the policy, the versions of whole tables, and what counts every change that the door must
learn of."""

ADMINISTRATION_LOCK = 0x5359_5345
"""Key of `pg_advisory_xact_lock`: any number that nobody else uses."""

_users = table("users", column("id"), column("status"), schema=CONTROL_SCHEMA)
_user_roles = table("user_roles", column("user_id"), column("role"), schema=CONTROL_SCHEMA)


def _is_open(now: datetime) -> Any:
    return and_(BlockRow.ended_at.is_(None), or_(BlockRow.expires_at.is_(None), BlockRow.expires_at > now))


class SecurityReads:
    """What the door and whoever administers it need to know."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def revision(self) -> int:
        """Rises with every change that the door must learn of."""
        return await self.version(REVISION)

    async def version(self, key: str) -> int:
        """The version of what stands under this key of `system_config`: the policy, or a table changed as a whole."""
        return (await decisions.current(self.session, key)).version

    async def policy(self) -> tuple[SecurityPolicy, int]:
        """The policy as it was decided, and its version; the defaults when nothing was."""
        value, version = await decisions.current(self.session, POLICY)
        return (PolicyDocument.stored(value).policy() if value is not None else SecurityPolicy()), version

    async def rates(self) -> list[RateRule]:
        """Every rate rule, in the order of its names."""
        rows = await self.session.scalars(select(RateRuleRow).order_by(RateRuleRow.route_class, RateRuleRow.scope))
        return [
            RateRule(RouteClass(row.route_class), RateScope(row.scope), row.amount, row.window_seconds, row.enabled)
            for row in rows
            if row.route_class in set(RouteClass)  # a newer version may know more
        ]

    async def open_blocks(self, now: datetime) -> Sequence[BlockRow]:
        """The blocks in force."""
        return (await self.session.scalars(select(BlockRow).where(_is_open(now)))).all()

    async def decoys(self) -> Sequence[HoneypotRow]:
        """The decoys in place."""
        return (await self.session.scalars(select(HoneypotRow).where(HoneypotRow.removed_at.is_(None)))).all()

    async def responses(self) -> Sequence[ResponseRow]:
        """Every rule of automatic response."""
        return (await self.session.scalars(select(ResponseRow).order_by(ResponseRow.event_kind))).all()

    async def other_admin(self, user_id: UUID, now: datetime) -> bool:
        """Whether an active admin who is not blocked would be left besides this user."""
        blocked = select(BlockRow.target).where(BlockRow.kind == "user", _is_open(now))
        others = (
            select(_users.c.id)
            .join(_user_roles, _user_roles.c.user_id == _users.c.id)
            .where(_user_roles.c.role == "ADMIN", _users.c.status == "active", _users.c.id != user_id)
            .where(not_(func.cast(_users.c.id, BlockRow.target.type).in_(blocked)))
            .limit(1)
        )
        return (await self.session.execute(others)).first() is not None


class SecurityWrites(SecurityReads):
    """Also changes it."""

    session: WriteSession

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)

    async def one_at_a_time(self) -> None:
        """Whoever else changes a whole table, or shuts out people, waits until this transaction ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(ADMINISTRATION_LOCK)))

    async def changed(self, by: str) -> None:
        """Let every door look again."""
        await decisions.put(self.session, REVISION, {}, by)

    async def replace_rates(self, rules: Sequence[RateRule]) -> None:
        """Let these be all the rules."""
        await self.session.execute(delete(RateRuleRow))
        columns = RateRuleRow.__table__.columns.keys()
        rows = [{name: getattr(rule, name) for name in columns} for rule in rules]
        await self.session.execute(insert(RateRuleRow), rows)

    async def replace_responses(self, rules: Sequence[dict[str, Any]]) -> None:
        """Let these be all the rules of automatic response."""
        await self.session.execute(delete(ResponseRow))
        if rules:
            await self.session.execute(insert(ResponseRow), list(rules))


class EventReads(Reading[EventRow]):
    """Reads events."""

    model = EventRow

    async def matching(
        self, request: PageRequest, *, since: datetime | None, until: datetime | None, **wanted: str | None
    ) -> Page[EventRow]:
        """A page of events, newest first; `wanted` are values of `kind`, `address` and `subject`."""
        statement = self.base().filter_by(**{name: value for name, value in wanted.items() if value is not None})
        if since is not None:
            statement = statement.where(EventRow.last_at >= since)
        if until is not None:
            statement = statement.where(EventRow.first_at < until)
        return await self.page(statement, request)


class EventWrites(Writing[EventRow], EventReads):
    """Writes events down, and forgets old ones."""

    async def record(self, events: Sequence[SecurityEvent]) -> None:
        """Add the counts to those of the same minute, which other processes may have written."""
        rows = [
            {each.name: getattr(event, each.name) for each in fields(event)} | {"detail": dict(event.detail)}
            for event in sorted(events, key=lambda each: (each.kind, each.address or "", each.subject or ""))
        ]
        for start in range(0, len(rows), 1000):
            fresh = insert(EventRow).values(rows[start : start + 1000])
            added = fresh.on_conflict_do_update(
                constraint="uq_security_events_kind_address_subject_minute",
                set_={
                    "count": EventRow.count + fresh.excluded.count,
                    "first_at": func.least(EventRow.first_at, fresh.excluded.first_at),
                    "last_at": func.greatest(EventRow.last_at, fresh.excluded.last_at),
                },
            )
            await self.session.execute(added)

    async def often(self, kind: str, since: datetime, threshold: int, addresses: Sequence[str]) -> Sequence[str]:
        """The addresses among these that had so many events of the kind since then."""
        counted = (
            select(EventRow.address)
            .where(EventRow.kind == kind, EventRow.last_at >= since, EventRow.address.in_(addresses))
            .group_by(EventRow.address)
            .having(func.sum(EventRow.count) >= threshold)
        )
        return [address for address in (await self.session.scalars(counted)).all() if address is not None]

    async def forget(self, keep: int, at_most: int) -> int:
        """The number of events deleted, of those beyond the newest `keep` and under no hold."""
        await lock_category(self.session, SECURITY_EVENTS.category)
        row = aliased(EventRow, name="t")
        oldest_kept = select(EventRow.id).order_by(EventRow.id.desc()).offset(keep - 1).limit(1).scalar_subquery()
        doomed = select(row.id).where(row.id < oldest_kept, text(f"NOT {SECURITY_EVENTS.held}")).limit(at_most)
        result: Any = await self.session.execute(delete(EventRow).where(EventRow.id.in_(doomed)))
        return int(result.rowcount)


class BlockReads(Reading[BlockRow]):
    """Reads blocks."""

    model = BlockRow

    async def matching(
        self, *, now: datetime, active: bool | None, kind: str | None, request: PageRequest
    ) -> Page[BlockRow]:
        """A page of blocks, newest first."""
        statement: Select[BlockRow] = self.base()
        if active is not None:
            statement = statement.where(_is_open(now) if active else not_(_is_open(now)))
        if kind is not None:
            statement = statement.where(BlockRow.kind == kind)
        return await self.page(statement, request)


class BlockWrites(Writing[BlockRow], BlockReads):
    """Makes and ends blocks."""

    async def insert(self, values: dict[str, Any], now: datetime) -> BlockRow | None:
        """The new block; None when the target is blocked already."""
        same = and_(BlockRow.kind == values["kind"], BlockRow.target == values["target"], BlockRow.ended_at.is_(None))
        await self.session.execute(
            update(BlockRow)
            .where(same, BlockRow.expires_at <= now)
            .values(ended_at=BlockRow.expires_at, ended_by="expiry")
        )
        return await self.add_unless_taken(values)


class ActionReads(Reading[ActionRow]):
    """Reads actions."""

    model = ActionRow

    async def matching(self, *, undone: bool | None, request: PageRequest) -> Page[ActionRow]:
        """A page of actions, newest first."""
        statement: Select[ActionRow] = self.base()
        if undone is not None:
            statement = statement.where(ActionRow.undone_at.is_not(None) if undone else ActionRow.undone_at.is_(None))
        return await self.page(statement, request)


class ActionWrites(Writing[ActionRow], ActionReads):
    """Takes actions and undoes them."""

    async def undone(self, block_id: UUID, by: str) -> None:
        """The block of an action has been ended."""
        statement = update(ActionRow).where(ActionRow.block_id == block_id, ActionRow.undone_at.is_(None))
        await self.session.execute(statement.values(undone_at=func.now(), undone_by=by))


class HoneypotReads(Reading[HoneypotRow]):
    """Reads decoys."""

    model = HoneypotRow

    def base(self) -> Select[HoneypotRow]:
        """The decoys in place."""
        return select(HoneypotRow).where(HoneypotRow.removed_at.is_(None))


class HoneypotWrites(Writing[HoneypotRow], HoneypotReads):
    """Lays decoys out and removes them."""
