"""Use cases of the policy and of the tables of rules: read, and replaced as a whole under their ETag."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.decisions import service as decisions
from app.operations.security.actions import SecurityAction
from app.operations.security.documents import PolicyDocument, policy_faults
from app.operations.security.edge.edge_state import EdgeVerdict, EdgeView
from app.operations.security.edge.rates import RateRule, table_faults
from app.operations.security.models import ResponseRow
from app.operations.security.repository import POLICY, RATES, RESPONSES, SecurityReads, SecurityWrites
from app.operations.security.schemas import RateLimitsDocument, ResponseRule, ResponsesDocument


class WouldLockOut(Conflict):
    """The policy would shut out whoever sets it; `force` insists."""

    code, title = "would-lock-out", "This would lock the caller out"


class SecurityReading:
    """Reads the policy and the tables of rules."""

    def __init__(self, session: ReadSession) -> None:
        self._reads = SecurityReads(session)

    async def policy(self) -> Tagged[PolicyDocument]:
        """The policy in force."""
        policy, version = await self._reads.policy()
        return Tagged(PolicyDocument.of(policy), etag(version))

    async def rates(self) -> Tagged[RateLimitsDocument]:
        """Every rate rule."""
        version = await self._reads.version(RATES)
        return Tagged(RateLimitsDocument.of(await self._reads.rates()), etag(version))

    async def responses(self) -> Tagged[ResponsesDocument]:
        """Every rule of automatic response."""
        version = await self._reads.version(RESPONSES)
        return Tagged(ResponsesDocument.of(await self._reads.responses()), etag(version))


class SecurityAdministration:
    """Replaces the policy and the tables of rules within one transaction, audited."""

    def __init__(self, session: WriteSession, secret: ServiceSecret) -> None:
        self._session = session
        self._reading = SecurityReading(session)
        self._security = SecurityWrites(session)
        self._audit = AuditTrail(session, secret)

    async def set_policy(
        self, actor: Actor, wanted: PolicyDocument, if_match: str | None, *, address: str | None, force: bool
    ) -> Tagged[PolicyDocument]:
        """The policy now in force.

        Raises:
            InvalidRequest: values do not go together; every fault is listed.
            PreconditionFailed: `if_match` names another version.
            WouldLockOut: the caller's address is not within the allowed networks, and `force` was not given.
        """
        _refuse(policy_faults(wanted))
        await self._security.one_at_a_time()
        before = await self._reading.policy()
        check_if_match(if_match, before.etag)
        policy = wanted.policy()
        view = EdgeView(allowed_networks=policy.allowed_networks)
        if not force and view.verdict(address) is EdgeVerdict.ELSEWHERE:
            raise WouldLockOut("Your own address is not within `allowed_networks`; `?force=true` insists.")
        stored = PolicyDocument.of(policy).model_dump(mode="json")
        diff = (_audited(before.value.model_dump(mode="json")), _audited(stored))
        await self._replaced(actor, SecurityAction.POLICY_CHANGED, POLICY, stored, diff)
        await self._security.changed(actor.label)
        return await self._reading.policy()

    async def set_rates(
        self, actor: Actor, wanted: RateLimitsDocument, if_match: str | None
    ) -> Tagged[RateLimitsDocument]:
        """The rate rules now in force. Raises `InvalidRequest` with every fault, `PreconditionFailed`."""
        rules = [document.rule() for document in wanted.rules]
        _refuse(table_faults(rules))
        await self._security.one_at_a_time()
        check_if_match(if_match, etag(await self._security.version(RATES)))
        diff = (_rates_audited(await self._security.rates()), _rates_audited(rules))
        await self._security.replace_rates(rules)
        await self._replaced(actor, SecurityAction.RATES_CHANGED, RATES, {}, diff)
        await self._security.changed(actor.label)
        return await self._reading.rates()

    async def set_responses(
        self, actor: Actor, wanted: ResponsesDocument, if_match: str | None
    ) -> Tagged[ResponsesDocument]:
        """The rules of automatic response now in force.

        Raises:
            InvalidRequest: a kind of event has two rules.
            PreconditionFailed: `if_match` names another version.
        """
        _refuse(repeated_kinds([rule.event_kind for rule in wanted.rules]))
        await self._security.one_at_a_time()
        check_if_match(if_match, etag(await self._security.version(RESPONSES)))
        diff = (_responses_audited(await self._security.responses()), _responses_audited(wanted.rules))
        await self._security.replace_responses([rule.model_dump() for rule in wanted.rules])
        await self._replaced(actor, SecurityAction.RESPONSES_CHANGED, RESPONSES, {}, diff)
        return await self._reading.responses()

    async def _replaced(
        self,
        actor: Actor,
        action: SecurityAction,
        key: str,
        value: dict[str, Any],
        diff: tuple[Mapping[str, Any], Mapping[str, Any]],
    ) -> None:
        await decisions.put(self._session, key, value, actor.label)
        await self._audit.append(actor, action, "security", None, key, before=diff[0], after=diff[1])


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise InvalidRequest(faults=faults)


def repeated_kinds(kinds: Sequence[str]) -> list[Fault]:
    """A fault for each kind of event that has a rule already."""
    message = "There is a rule for this kind of event already."
    return [
        Fault(pointer=f"/rules/{number}", code="repeated-rule", message=message)
        for number, kind in enumerate(kinds)
        if kind in kinds[:number]
    ]


def _audited(document: dict[str, Any]) -> dict[str, Any]:
    """The policy as the audit log keeps it: the name of its first part would be taken for a secret's."""
    return {("login_rules" if name == "passwords" else name): value for name, value in document.items()}


def _rates_audited(rules: Sequence[RateRule]) -> dict[str, str]:
    return {rule.name: f"{rule.amount}/{rule.window_seconds} s" + ("" if rule.enabled else ", off") for rule in rules}


def _responses_audited(rules: Sequence[ResponseRow | ResponseRule]) -> dict[str, str]:
    return {
        rule.event_kind: f"{rule.threshold} in {rule.window_seconds} s: {rule.block_seconds} s"
        + ("" if rule.enabled else ", off")
        for rule in rules
    }
