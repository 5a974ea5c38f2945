"""What the audit log calls the changes of retention."""

from enum import StrEnum


class RetentionAction(StrEnum):
    """A change of rules or holds, or of what they are about."""

    RULE_CREATED = "retention-rule:create"
    RULE_CHANGED = "retention-rule:change"
    HOLD_MADE = "retention-hold:create"
    HOLD_RELEASED = "retention-hold:release"
    RUN_STARTED = "retention-run:start"
    RUN_CANCELLED = "retention-run:cancel"
    RUN_ENDED = "retention-run:purge"
    RUN_FAILED = "retention-run:fail"

    @property
    def entity_type(self) -> str:
        """The kind of thing that the action is done to: `retention-run` of `retention-run:start`."""
        return self.partition(":")[0]
