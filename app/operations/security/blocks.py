"""Use cases of blocks: shut out, let in again. Each change is audited, and in force everywhere within a second."""

from datetime import datetime
from uuid import UUID

from app.access.users.service import LastAdmin
from app.audit.log.service import AuditTrail
from app.kernel.addresses import plain_address
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.security.authorization import SYSTEM, Actor, subject_of
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.operations.security.actions import SecurityAction
from app.operations.security.edge.blocking import BlockKind, MadeBy, Target, parse_target, protected
from app.operations.security.models import ActionRow, BlockRow
from app.operations.security.repository import ActionWrites, BlockWrites, SecurityWrites
from app.operations.security.schemas import BlockRequest
from app.settings import Settings


class InvalidTarget(InvalidRequest):
    """The target is not of the kind that it claims to be."""

    code, title = "invalid-target", "This cannot be blocked"

    def __init__(self, message: str) -> None:
        super().__init__(message, faults=[Fault(pointer="/target", code=self.code, message=message)])


class InThePast(InvalidRequest):
    """A block that would be over before it begins."""

    code, title = "in-the-past", "The time is over already"

    def __init__(self) -> None:
        message = "Give a time to come, or none."
        super().__init__(message, faults=[Fault(pointer="/expires_at", code=self.code, message=message)])


class AlreadyBlocked(Conflict):
    """There is a block for this target."""

    code, title = "already-blocked", "This is blocked already"


class ProtectedTarget(Conflict):
    """Blocking this would hurt more than it helps; an admin may insist with `force`."""

    code, title = "protected-target", "This is not blocked by mistake"


class OwnBlock(Conflict):
    """Nobody blocks themselves."""

    code, title = "own-block", "This would shut out the caller"


class NotBlocked(Conflict):
    """The block is over."""

    code, title = "not-blocked", "The block is over already"


class BlockService:
    """Makes and ends blocks within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, settings: Settings
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._proxies = settings.server.trusted_proxies
        self._blocks = BlockWrites(session)
        self._actions = ActionWrites(session)
        self._security = SecurityWrites(session)
        self._audit = AuditTrail(session, secret)

    async def create(
        self, actor: Actor, wanted: BlockRequest, address: str | None, event_kind: str | None = None
    ) -> tuple[BlockRow, ActionRow]:
        """The new block, and the action that records it.

        `address` is the admin's own; `event_kind` names the events that the block responds to.

        Raises:
            InvalidTarget: the target is not of its kind.
            InThePast: the block would be over already.
            OwnBlock: it would shut out the admin.
            LastAdmin: nobody would be left to undo it.
            ProtectedTarget: it is loopback, a proxy of ours or never to be blocked, and `force` was not given.
            AlreadyBlocked: there is such a block.
        """
        try:
            target = parse_target(wanted.kind, wanted.target)
        except ValueError as error:
            raise InvalidTarget(str(error)) from error
        if wanted.expires_at is not None and wanted.expires_at <= self._clock():
            raise InThePast
        await self._check_self(actor, target, address)
        why_not = None if wanted.force else self.protection(target)
        if why_not is not None:
            raise ProtectedTarget(f"{why_not} Ask with `force` to block it nevertheless.")
        who = {"reason": wanted.reason, "made_by": MadeBy.ADMIN.value, "created_by": actor.label}
        made = await self._make(actor, target, event_kind, wanted.expires_at, **who)
        if made is None:
            raise AlreadyBlocked(f"There is a block of {target.text}.")
        return made

    async def by_rule(
        self, target: Target, reason: str, expires_at: datetime, event_kind: str
    ) -> tuple[BlockRow, ActionRow] | None:
        """The block that a rule makes; None when the target is blocked already or protected."""
        if self.protection(target) is not None:
            return None
        who = {"reason": reason, "made_by": MadeBy.RULE.value, "created_by": event_kind}
        return await self._make(SYSTEM, target, event_kind, expires_at, **who)

    def protection(self, target: Target) -> str | None:
        """Why the target is not blocked by mistake, or None."""
        return protected(target, never_blocked=self._policy.current().never_blocked, proxies=self._proxies)

    async def _check_self(self, actor: Actor, target: Target, address: str | None) -> None:
        if target.subject is not None and target.subject == subject_of(actor):
            raise OwnBlock("Somebody else must block you.")
        own = plain_address(address) if address is not None else None
        if target.network is not None and own is not None and own in target.network:
            raise OwnBlock("Your own address is among them.")
        if target.kind is BlockKind.USER:
            await self._security.one_at_a_time()
            if not await self._security.other_admin(UUID(target.text), self._clock()):
                raise LastAdmin

    async def _make(
        self, actor: Actor, target: Target, event_kind: str | None, expires_at: datetime | None, **who: str
    ) -> tuple[BlockRow, ActionRow] | None:
        """`who` are `reason`, `made_by` and `created_by`, which block and action have in common."""
        values = {"kind": target.kind.value, "target": target.text, "expires_at": expires_at, **who}
        block = await self._blocks.insert(values, self._clock())
        if block is None:
            return None
        whom = target.subject or target.text
        action = await self._actions.add(
            ActionRow(kind="block", target=whom, event_kind=event_kind, block_id=block.id, **who)
        )
        await self._audit.append(actor, SecurityAction.BLOCK_CREATED, "block", block.id, target.text, after=values)
        await self._security.changed(who["created_by"])
        return block, action

    async def end(self, actor: Actor, block_id: UUID) -> BlockRow:
        """The block, which is over now. Raises `NotFound`, `NotBlocked`."""
        block = await self.end_if_open(actor, block_id)
        if block is None:
            raise NotBlocked
        return block

    async def end_if_open(self, actor: Actor, block_id: UUID) -> BlockRow | None:
        """The block, which is over now; None when it was over before. Raises `NotFound`."""
        block = await self._blocks.lock_by_id(block_id)
        now = self._clock()
        if block.ended_at is not None or (block.expires_at is not None and block.expires_at <= now):
            return None
        block.ended_at, block.ended_by = now, actor.label
        await self._actions.undone(block_id, actor.label)
        before = {"target": block.target, "reason": block.reason}
        await self._audit.append(actor, SecurityAction.BLOCK_ENDED, "block", block_id, block.target, before=before)
        await self._security.changed(actor.label)
        return block
