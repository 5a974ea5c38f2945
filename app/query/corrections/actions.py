"""What the audit log calls what is done with corrections."""

from enum import StrEnum

from app.query.corrections.corrections import Decision


class CorrectionAction(StrEnum):
    """Subject and action."""

    PROPOSED = "query-correction:propose"
    ACCEPTED = "query-correction:accept"
    REJECTED = "query-correction:reject"
    REVOKED = "query-correction:revoke"

    @classmethod
    def of(cls, decision: Decision) -> "CorrectionAction":
        """The action that is a decision."""
        return cls(f"query-correction:{decision.value}")
