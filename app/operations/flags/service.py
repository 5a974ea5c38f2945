"""Use cases of flags: make, change, archive and take back. Each change is checked whole and audited."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.problems import Conflict, InvalidRequest
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.flags.actions import FlagAction
from app.operations.flags.checks import buckets, faults
from app.operations.flags.definition import FlagType, slots_of
from app.operations.flags.evaluation import allocated
from app.operations.flags.models import FlagRow
from app.operations.flags.repository import FlagWrites

CHANGEABLE = (
    "variants", "default_variant", "off_variant", "enabled", "rules", "description", "owner", "expires_at",
)  # fmt: skip


class InvalidFlag(InvalidRequest):
    """The flag contradicts itself."""

    code, title = "invalid-flag", "The flag has faults"


class FlagKeyTaken(Conflict):
    """There is, or was, a flag of this key."""

    code, title = "flag-key-taken", "There is a flag of this key already"


class FlagService:
    """Makes and changes flags within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock) -> None:
        self._clock = clock
        self._flags = FlagWrites(session)
        self._audit = AuditTrail(session, secret)

    async def create(self, actor: Actor, wanted: Mapping[str, Any]) -> FlagRow:
        """The new flag.

        Raises:
            InvalidFlag: it contradicts itself; every fault is listed.
            FlagKeyTaken: the key is taken; one of an archived flag is too.
        """
        _check(FlagType(wanted["type"]), wanted)
        made = {**wanted, "rules": _stored((), wanted["rules"]), "created_by": actor.label, "updated_by": actor.label}
        row = await self._flags.add_unless_taken(made)
        if row is None:
            raise FlagKeyTaken(f"{wanted['key']} is taken; keys are never used twice.")
        after = {"key": row.key, "type": row.type} | _audited(row)
        await self._audit.append(actor, FlagAction.CREATED, "flag", row.id, row.key, after=after)
        return row

    async def change(self, actor: Actor, key: str, changes: Mapping[str, Any], if_match: str | None) -> FlagRow:
        """The flag with these fields changed; unchanged when they are as they were.

        `changes` are some of `CHANGEABLE`, and `archived`.

        Raises:
            NotFound, PreconditionFailed
            InvalidFlag: it would contradict itself; every fault is listed.
        """
        row = await self._flags.lock(key)
        check_if_match(if_match, tagged(row).etag)
        before = _audited(row)
        wanted = {name: changes.get(name, before[name]) for name in CHANGEABLE}
        _check(FlagType(row.type), wanted)
        archived = changes.get("archived", row.archived_at is not None)
        wanted["rules"] = _stored(row.rules, wanted["rules"])
        for name in CHANGEABLE:
            setattr(row, name, wanted[name])
        if archived != (row.archived_at is not None):
            row.archived_at = self._clock() if archived else None
        after = _audited(row)
        if after == before:
            return row
        row.version, row.updated_at, row.updated_by = row.version + 1, self._clock(), actor.label
        action = FlagAction.CHANGED
        if before["archived"] != after["archived"]:
            action = FlagAction.ARCHIVED if archived else FlagAction.RESTORED
        await self._audit.append(actor, action, "flag", row.id, row.key, before=before, after=after)
        return row


def tagged(row: FlagRow) -> Tagged[FlagRow]:
    """The flag with the ETag of its version."""
    return Tagged(row, etag(row.version))


def shown_rules(stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules as requests give them: without the slots."""
    return [{name: value for name, value in rule.items() if name != "slots"} for rule in stored]


def _check(flag_type: FlagType, flag: Mapping[str, Any]) -> None:
    found = faults(flag_type, flag)
    if found:
        raise InvalidFlag(faults=found)


def _stored(before: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules with their slots: those of the rule that had the name go on."""
    had = {rule["name"]: slots_of(rule.get("slots", ())) for rule in before}
    stored = []
    for rule in wanted:
        document = dict(rule)
        if rule.get("split") is not None:
            shares = {share["variant"]: buckets(share["percentage"]) for share in rule["split"]}
            slots = allocated(had.get(rule["name"], ()), shares)
            document["slots"] = [[slot.variant, slot.start, slot.end] for slot in slots]
        stored.append(document)
    return stored


def _audited(row: FlagRow) -> dict[str, Any]:
    """What can change, as the audit log shows it."""
    fields = {name: getattr(row, name) for name in CHANGEABLE}
    return fields | {"rules": shown_rules(row.rules), "archived": row.archived_at is not None}
