"""What the audit log calls changes of the glossary."""

from enum import StrEnum


class GlossaryAction(StrEnum):
    """Subject and action."""

    ADDED = "glossary-entry:create"
    REVOKED = "glossary-entry:revoke"
