"""Use cases of the policy and of the tables of rules: read, and replaced as a whole under their ETag."""

from collections.abc import Sequence

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.operations.security.actions import SecurityAction
from app.operations.security.documents import PolicyDocument, policy_faults
from app.operations.security.edge.edge_state import EdgeVerdict, EdgeView
from app.operations.security.edge.rates import RateRule, table_faults
from app.operations.security.models import ResponseRow
from app.operations.security.repository import POLICY, RATES, RESPONSES, SecurityReads, SecurityWrites
from app.operations.security.schemas import ResponseRule
from app.operations.security.watch import stored_policy


class WouldLockOut(Conflict):
    """The policy would shut out whoever sets it; `force` insists."""

    code, title = "would-lock-out", "This would lock the caller out"


class SecurityReading:
    """Tells the policy and the rules, each with its ETag."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._reads = SecurityReads(session)

    async def policy(self) -> tuple[PolicyDocument, str]:
        """The policy in force."""
        policy, version = await stored_policy(self._session)
        return PolicyDocument.of(policy), etag(version)

    async def rates(self) -> tuple[list[RateRule], str]:
        """Every rate rule."""
        version = await self._reads.version(RATES)
        return await self._reads.rates(), etag(version)

    async def responses(self) -> tuple[Sequence[ResponseRow], str]:
        """Every rule of automatic response."""
        version = await self._reads.version(RESPONSES)
        return await self._reads.responses(), etag(version)


class SecurityAdministration:
    """Replaces the policy and the rules within one transaction, audited."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._session = session
        self._security = SecurityWrites(session)
        self._audit = AuditTrail(session, resources.secret)

    async def set_policy(
        self, actor: Actor, wanted: PolicyDocument, if_match: str | None, *, address: str | None, force: bool
    ) -> tuple[PolicyDocument, str]:
        """The policy now in force, and its ETag.

        Raises:
            InvalidRequest: values do not go together; every fault is listed.
            PreconditionFailed: `if_match` names another version.
            WouldLockOut: the caller's address is not within the allowed networks, and `force` was not given.
        """
        faults = policy_faults(wanted)
        if faults:
            raise InvalidRequest(faults=faults)
        await self._security.one_at_a_time()
        before, version = await stored_policy(self._session)
        check_if_match(if_match, etag(version))
        policy = wanted.policy()
        view = EdgeView(allowed_networks=policy.allowed_networks)
        if not force and view.verdict(address) is EdgeVerdict.ELSEWHERE:
            raise WouldLockOut("Your own address is not within `allowed_networks`; `?force=true` insists.")
        after = PolicyDocument.of(policy)
        stored = after.model_dump(mode="json")
        version = await self._security.writes.put(POLICY, stored, actor.label)
        was = PolicyDocument.of(before).model_dump(mode="json")
        await self._audit.append(
            actor, SecurityAction.POLICY_CHANGED, "security", None, POLICY, before=_named(was), after=_named(stored)
        )
        await self._security.changed(actor.label)
        return after, etag(version)

    async def set_rates(self, actor: Actor, rules: list[RateRule], if_match: str | None) -> tuple[list[RateRule], str]:
        """The rules now in force, and their ETag. Raises `InvalidRequest` with every fault, `PreconditionFailed`."""
        faults = table_faults(rules)
        if faults:
            raise InvalidRequest(faults=faults)
        await self._security.one_at_a_time()
        check_if_match(if_match, etag(await self._security.version(RATES)))
        before = await self._security.rates()
        await self._security.replace_rates(rules)
        version = await self._security.writes.put(RATES, {}, actor.label)
        await self._audit.append(
            actor,
            SecurityAction.RATES_CHANGED,
            "security",
            None,
            RATES,
            before={rule.name: _shown(rule) for rule in before},
            after={rule.name: _shown(rule) for rule in rules},
        )
        await self._security.changed(actor.label)
        return await self._security.rates(), etag(version)

    async def set_responses(
        self, actor: Actor, rules: list[ResponseRule], if_match: str | None
    ) -> tuple[Sequence[ResponseRow], str]:
        """The rules of automatic response now in force, and their ETag.

        Raises:
            InvalidRequest: a kind of event has two rules.
            PreconditionFailed: `if_match` names another version.
        """
        faults = repeated_kinds([rule.event_kind for rule in rules])
        if faults:
            raise InvalidRequest(faults=faults)
        await self._security.one_at_a_time()
        check_if_match(if_match, etag(await self._security.version(RESPONSES)))
        before = {row.event_kind: _told(row) for row in await self._security.responses()}
        wanted = [rule.model_dump() for rule in rules]
        await self._security.replace_responses(wanted)
        version = await self._security.writes.put(RESPONSES, {}, actor.label)
        after = {rule.event_kind: _told(rule) for rule in rules}
        await self._audit.append(
            actor, SecurityAction.RESPONSES_CHANGED, "security", None, RESPONSES, before=before, after=after
        )
        return await self._security.responses(), etag(version)


def repeated_kinds(kinds: Sequence[str]) -> list[Fault]:
    """A fault for each kind of event that has a rule already."""
    message = "There is a rule for this kind of event already."
    return [
        Fault(pointer=f"/rules/{number}", code="repeated-rule", message=message)
        for number, kind in enumerate(kinds)
        if kind in kinds[:number]
    ]


def _named(document: dict[str, object]) -> dict[str, object]:
    """As the audit log keeps it: the name of the first part would be taken for a secret's."""
    return {("login_rules" if name == "passwords" else name): value for name, value in document.items()}


def _shown(rule: RateRule) -> str:
    return f"{rule.amount}/{rule.window_seconds} s" + ("" if rule.enabled else ", off")


def _told(rule: ResponseRow | ResponseRule) -> str:
    return f"{rule.threshold} in {rule.window_seconds} s: {rule.block_seconds} s" + ("" if rule.enabled else ", off")
