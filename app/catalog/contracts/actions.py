"""What the audit log calls the changes made to contracts."""

from enum import StrEnum


class ContractAction(StrEnum):
    """Subject and action."""

    REGISTERED = "contract:register"
    SCHEMA_FROZEN = "contract:freeze-schema"
    IMPORTED = "contract:import"
