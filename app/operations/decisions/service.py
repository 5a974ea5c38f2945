"""Decisions, as other domains read and change them under keys of their own, within their own sessions."""

from typing import Any, NamedTuple

from sqlalchemy import Subquery

from app.kernel.db.database import ReadSession, WriteSession
from app.operations.decisions import repository
from app.operations.decisions.repository import DecisionReads, DecisionWrites


class Decision(NamedTuple):
    """What was decided."""

    value: dict[str, Any] | None
    """None while nothing was decided."""
    version: int
    """Counts changes; 0 while nothing was decided."""


_UNDECIDED = Decision(None, 0)


async def current(session: ReadSession, key: str) -> Decision:
    """The decision that is in force."""
    found = await DecisionReads(session).get(key)
    return Decision(found.value, found.version) if found else _UNDECIDED


async def lock(session: WriteSession, key: str) -> Decision:
    """The decision that is in force, which nobody else changes before this transaction ends if there is one."""
    found = await DecisionWrites(session).lock(key)
    return Decision(found.value, found.version) if found else _UNDECIDED


async def put(session: WriteSession, key: str, value: dict[str, Any], by: str) -> int:
    """The version of the decision after its value was replaced by whoever has this label."""
    return await DecisionWrites(session).put(key, value, by)


def as_subquery(key: str) -> Subquery:
    """The decision's `value`, `version` and `updated_at`, for a statement that reads rows of its own with them."""
    return repository.decision_subquery(key)
