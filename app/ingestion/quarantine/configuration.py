"""What an admin decides about refused rows while the service runs.

They are kept as long as there is room: of a batch the first ones, of a contract and in all those that came first. What
is not kept is counted, and the report of its batch says how many rows that are; nothing that is kept goes to make room
but by retention (`app/ingestion/retention/targets.py`). `repository.py` holds the bounds with batches side by side.
"""

from dataclasses import dataclass
from typing import Final

from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.warehouse.refused_rows import KEPT_ROWS, REFUSED_AT_FIRST, RefusalBounds

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

CONFIG_KEYS: Final = (MAX_QUARANTINED_OF_BATCH, MAX_QUARANTINED_OF_CONTRACT, MAX_QUARANTINED, MAX_REFUSED_AT_FIRST)


@dataclass(frozen=True, slots=True)
class QuarantineBounds:
    """How many refused rows are read, and kept."""

    of_batch: RefusalBounds
    contract_rows: int
    """Rows kept of one contract."""
    all_rows: int
    """Rows kept of all contracts."""


def quarantine_bounds(configuration: ConfigurationInForce) -> QuarantineBounds:
    """The bounds for a batch that begins now."""
    value = configuration.value
    of_batch = RefusalBounds(value(MAX_QUARANTINED_OF_BATCH), value(MAX_REFUSED_AT_FIRST))
    return QuarantineBounds(of_batch, value(MAX_QUARANTINED_OF_CONTRACT), value(MAX_QUARANTINED))
