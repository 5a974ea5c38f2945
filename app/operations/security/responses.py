"""Responses to events: what rules do by themselves, what admins do, and how both are undone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.access.users.service import LastAdmin, UserService
from app.audit.log.service import AuditTrail
from app.kernel.addresses import plain_address
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvent
from app.operations.security.actions import SecurityAction
from app.operations.security.blocks import BlockService, InvalidTarget, OwnBlock
from app.operations.security.edge.blocking import BlockKind, MadeBy, split_target, target_of_address
from app.operations.security.models import ActionRow, ResponseRow
from app.operations.security.repository import ActionWrites, EventWrites, SecurityReads, SecurityWrites
from app.operations.security.schemas import ActionRequest, BlockRequest
from app.settings import Settings


class AlreadyUndone(Conflict):
    """An action is undone once only."""

    code, title = "already-undone", "The action has been undone already"


class Responses:
    """Answers events by the enabled rules, within the transaction that writes them down."""

    def __init__(self, session: WriteSession, blocks: BlockService, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._behind_proxies = bool(settings.server.trusted_proxies)
        self._events = EventWrites(session)
        self._security = SecurityReads(session)
        self._blocks = blocks

    async def answer(self, events: Sequence[SecurityEvent]) -> int:
        """The number of addresses that were blocked because they have had too many events."""
        rules = {rule.event_kind: rule for rule in await self._security.responses() if rule.enabled}
        addresses: dict[str, set[str]] = defaultdict(set)
        for event in events:
            if event.kind in rules and event.address is not None and self._may_block(event.address):
                addresses[event.kind].add(event.address)
        made = 0
        for kind, suspects in sorted(addresses.items()):
            since = self._clock() - timedelta(seconds=rules[kind].window_seconds)
            for address in await self._events.often(kind, since, rules[kind].threshold, sorted(suspects)):
                made += await self._block(address, rules[kind])
        return made

    def _may_block(self, text: str) -> bool:
        """Whether the address is surely the client's own.

        Without configured proxies an address that is not public may be a proxy or a gateway that many share.
        """
        address = plain_address(text)
        return address is not None and (address.is_global or self._behind_proxies)

    async def _block(self, text: str, rule: ResponseRow) -> bool:
        address = plain_address(text)
        if address is None:
            return False
        expires_at = self._clock() + timedelta(seconds=rule.block_seconds)
        reason = f"{rule.threshold} times {rule.event_kind} within {rule.window_seconds} s"
        return await self._blocks.by_rule(target_of_address(address), reason, expires_at, rule.event_kind) is not None


class ActionService:
    """What admins do about events, within one transaction."""

    def __init__(
        self, session: WriteSession, users: UserService, blocks: BlockService, secret: ServiceSecret, clock: Clock
    ) -> None:
        self._clock = clock
        self._actions = ActionWrites(session)
        self._security = SecurityWrites(session)
        self._blocks = blocks
        self._users = users
        self._audit = AuditTrail(session, secret)

    async def take(self, actor: Actor, wanted: ActionRequest, address: str | None) -> ActionRow:
        """The action, taken: a block, or a user who is disabled.

        `address` is the admin's own.

        Raises:
            InvalidTarget: a user is to be disabled, and the target is none.
            NotFound: there is no such user.
            Problem: what `BlockService.create` raises.
        """
        kind, target = split_target(wanted.target)
        if wanted.kind == "disable-user":
            return await self._disable_user(actor, _user_id(kind, target), wanted.reason, wanted.event_kind)
        block = BlockRequest(kind=kind, target=target, **wanted.model_dump(include={"reason", "expires_at", "force"}))
        _, action = await self._blocks.create(actor, block, address, wanted.event_kind)
        return action

    async def _disable_user(self, actor: Actor, user_id: UUID, reason: str, event_kind: str | None) -> ActionRow:
        if actor.id == user_id:
            raise OwnBlock("Somebody else must disable you.")
        await self._security.one_at_a_time()
        if not await self._security.other_admin(user_id, self._clock()):
            raise LastAdmin
        await self._users.disable(actor, user_id)
        return await self._actions.add(
            ActionRow(
                kind="disable-user",
                target=f"{BlockKind.USER}:{user_id}",
                reason=reason,
                made_by=MadeBy.ADMIN.value,
                created_by=actor.label,
                event_kind=event_kind,
            )
        )

    async def undo(self, actor: Actor, action_id: UUID) -> ActionRow:
        """The action, whose effect is put back. Raises `NotFound`, `AlreadyUndone`."""
        action = await self._actions.lock_by_id(action_id)
        if action.undone_at is not None:
            raise AlreadyUndone
        if action.block_id is not None:
            await self._blocks.end_if_open(actor, action.block_id)
        else:
            await self._users.enable(actor, UUID(action.target.partition(":")[2]))
        action.undone_at, action.undone_by = self._clock(), actor.label
        after = {"kind": action.kind}
        await self._audit.append(
            actor, SecurityAction.ACTION_UNDONE, "security-action", action_id, action.target, after=after
        )
        return action


def _user_id(kind: BlockKind, text: str) -> UUID:
    if kind is not BlockKind.USER:
        raise InvalidTarget("Name the user as user:<id>.")
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidTarget("This is not the id of a user.") from error
