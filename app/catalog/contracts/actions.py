"""What the audit log calls the changes made to contracts."""

from enum import StrEnum


class ContractAction(StrEnum):
    """Subject and action."""

    REGISTERED = "contract:register"
    CHANGED = "contract:change"
    SCHEMA_FROZEN = "contract:freeze-schema"
    EVOLVED = "contract:evolve"
    IMPORTED = "contract:import"
