"""What the audit log calls the changes of flags."""

from enum import StrEnum


class FlagAction(StrEnum):
    """A change of a flag."""

    CREATED = "flag:create"
    CHANGED = "flag:change"
    ARCHIVED = "flag:archive"
    RESTORED = "flag:restore"
