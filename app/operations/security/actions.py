"""What the audit log calls the changes made here."""

from enum import StrEnum


class SecurityAction(StrEnum):
    """A change of the edge's protection."""

    POLICY_CHANGED = "security:policy-change"
    RATES_CHANGED = "security:rate-limits-change"
    RESPONSES_CHANGED = "security:responses-change"
    BLOCK_CREATED = "block:create"
    BLOCK_ENDED = "block:remove"
    ACTION_UNDONE = "security-action:undo"
    HONEYPOT_CREATED = "honeypot:create"
    HONEYPOT_REMOVED = "honeypot:remove"
