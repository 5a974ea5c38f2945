"""What an admin decides about batches while the service runs; about refused rows: `quarantine/configuration.py`."""

from dataclasses import dataclass
from typing import Final

from app.ingestion.quarantine import configuration as quarantine
from app.ingestion.quarantine.configuration import QuarantineBounds, quarantine_bounds
from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.kernel.runtime.resources import Resources

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

CONFIG_KEYS: Final = (MAX_BATCH_BYTES, MAX_REJECTED_SHARE, *quarantine.CONFIG_KEYS)


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What is in force for a batch: the same values from its begin to its end."""

    max_rejected_share: float | None
    quarantine: QuarantineBounds


def batch_rules(configuration: ConfigurationInForce) -> BatchRules:
    """The rules for a batch that begins now."""
    return BatchRules(configuration.value(MAX_REJECTED_SHARE), quarantine_bounds(configuration))


def max_batch_bytes(resources: Resources) -> int:
    """The largest decoded body, in bytes, that is in force."""
    return min(resources.configured(MAX_BATCH_BYTES), resources.settings.ingestion.max_batch_bytes)
