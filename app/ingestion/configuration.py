"""What an admin decides about batches while the service runs.

Refused rows are kept as long as there is room: of a batch the first ones, of a contract and in all those that came
first. What is not kept is counted, and the report of its batch says how many rows that are; nothing that is kept goes
to make room but by retention (`retention.py`). `repository.py` holds the bounds under parallel batches.
"""

from dataclasses import dataclass
from typing import Final

from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.kernel.runtime.resources import Resources
from app.warehouse.refused_rows import KEPT_ROWS, REFUSED_AT_FIRST, RefusalBounds

MAX_BATCH_BYTES: Final = ConfigKey[int](
    name="ingestion.max-batch-bytes",
    description="Largest decoded batch body; the environment's INGESTION_MAX_BATCH_BYTES is not raised by it.",
    schema={"type": "integer", "minimum": 1_024, "maximum": 2**50},
    default=lambda settings: settings.ingestion.max_batch_bytes,
)

MAX_REJECTED_SHARE: Final = ConfigKey[float | None](
    name="ingestion.max-rejected-share",
    description="A batch with a larger share of refused rows fails, where neither it nor its contract sets a limit.",
    schema={"type": "number", "minimum": 0, "maximum": 1},
    default=lambda _: None,
)

MAX_QUARANTINED_OF_BATCH: Final = ConfigKey[int](
    name="ingestion.max-quarantined-rows-per-batch",
    description="Refused rows of one batch that are kept with their text, the first ones; all of them are counted.",
    schema={"type": "integer", "minimum": 0, "maximum": 1_000_000},
    default=lambda _: KEPT_ROWS,
)

MAX_QUARANTINED_OF_CONTRACT: Final = ConfigKey[int](
    name="ingestion.max-quarantined-rows-per-contract",
    description="Refused rows that are kept of the batches of one contract; beyond that they are only counted.",
    schema={"type": "integer", "minimum": 0, "maximum": 2**50},
    default=lambda _: 100_000,
)

MAX_QUARANTINED: Final = ConfigKey[int](
    name="ingestion.max-quarantined-rows",
    description="Refused rows that are kept of all contracts together; beyond that they are only counted.",
    schema={"type": "integer", "minimum": 0, "maximum": 2**50},
    default=lambda _: 1_000_000,
)

MAX_REFUSED_AT_FIRST: Final = ConfigKey[int](
    name="ingestion.max-rows-refused-at-first",
    description="Reading of a batch ends after so many refused rows when none was accepted before.",
    schema={"type": "integer", "minimum": 1, "maximum": 2**50},
    default=lambda _: REFUSED_AT_FIRST,
)

CONFIG_KEYS: Final = (
    MAX_BATCH_BYTES,
    MAX_REJECTED_SHARE,
    MAX_QUARANTINED_OF_BATCH,
    MAX_QUARANTINED_OF_CONTRACT,
    MAX_QUARANTINED,
    MAX_REFUSED_AT_FIRST,
)


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What is in force for a batch: the same values from its begin to its end."""

    max_rejected_share: float | None
    refusals: RefusalBounds
    contract_rows: int
    """Refused rows kept of the contract."""
    all_rows: int
    """Refused rows kept of all contracts."""


def batch_rules(configuration: ConfigurationInForce) -> BatchRules:
    """The rules for a batch that begins now."""
    value = configuration.value
    bounds = RefusalBounds(value(MAX_QUARANTINED_OF_BATCH), value(MAX_REFUSED_AT_FIRST))
    return BatchRules(value(MAX_REJECTED_SHARE), bounds, value(MAX_QUARANTINED_OF_CONTRACT), value(MAX_QUARANTINED))


def max_batch_bytes(resources: Resources) -> int:
    """The largest decoded body, in bytes, that is in force."""
    return min(resources.configured(MAX_BATCH_BYTES), resources.settings.ingestion.max_batch_bytes)
