"""What the audit log calls the changes made to tables."""

from enum import StrEnum


class TableAction(StrEnum):
    """Subject and action."""

    REGISTERED = "table:register"
    ADOPTED = "table:adopt"
    PROMOTED = "table:promote"
    SUPERSEDED = "table:supersede"
    DEPRECATED = "table:deprecate"
    RESTORED = "table:restore"
