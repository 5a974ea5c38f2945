"""A correction: what its author says that words of a question mean, and what has become of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.catalog.glossary.terms import Term


class CorrectionState(StrEnum):
    """What has become of a correction."""

    PROPOSED = "proposed"
    """The answers of its author alone are read by it."""
    ACCEPTED = "accepted"
    """A term of the glossary: everybody's answers are read by it."""
    REJECTED = "rejected"
    REVOKED = "revoked"


class Decision(StrEnum):
    """What is decided about a correction."""

    ACCEPT = "accept"
    REJECT = "reject"
    REVOKE = "revoke"


AFTER: Final[Mapping[tuple[CorrectionState, Decision], CorrectionState]] = {
    (CorrectionState.PROPOSED, Decision.ACCEPT): CorrectionState.ACCEPTED,
    (CorrectionState.PROPOSED, Decision.REJECT): CorrectionState.REJECTED,
    (CorrectionState.PROPOSED, Decision.REVOKE): CorrectionState.REVOKED,
    (CorrectionState.ACCEPTED, Decision.REVOKE): CorrectionState.REVOKED,
}
"""By state and decision the state that follows; there are no others, so a correction that is out stays out."""

MOST_PROPOSED: Final = 200
"""Corrections of one author that wait for a decision: each question of the author is read by all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedTerm(Term):
    """A term as a correction gives it a meaning, which holds for the author."""

    correction_id: UUID
