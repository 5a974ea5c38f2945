"""What the audit log calls the changes of the configuration."""

from enum import StrEnum


class ConfigurationAction(StrEnum):
    """A decision about a key."""

    CHANGED = "configuration:change"
    RESET = "configuration:reset"
    REVERTED = "configuration:revert"
