"""Keys that operations and the kernel read."""

from datetime import timedelta
from typing import Final

from app.kernel.runtime.configuration import ConfigKey
from app.kernel.telemetry.logging import configure_logging
from app.settings import Settings


def _log_from(settings: Settings, level: str) -> None:
    configure_logging(settings.server.model_copy(update={"log_level": level}))


LOG_LEVEL: Final = ConfigKey[str](
    name="server.log-level",
    description="From which level on every process logs.",
    schema={"type": "string", "enum": ["debug", "info", "warning", "error"]},
    default=lambda settings: settings.server.log_level,
    applied=_log_from,
)

DRAIN_SECONDS: Final = ConfigKey[float](
    name="maintenance.drain-seconds",
    description="Before a maintenance window, for this long workers start no jobs which it will stop.",
    schema={"type": "number", "minimum": 0, "maximum": 86_400},
    default=lambda settings: settings.jobs.grace_seconds,
)

ABANDONED_AFTER: Final = timedelta(days=1)
"""No upload runs for that long: what is unpublished by then was left by a process that died."""

TEMPORARY_KEPT_SECONDS: Final = ConfigKey[float](
    name="storage.temporary-objects-kept-seconds",
    description="Objects that were not published for this long are taken for abandoned by the nightly sweep.",
    schema={"type": "number", "minimum": 3_600, "maximum": 31_536_000},
    default=lambda _: ABANDONED_AFTER.total_seconds(),
)

CONFIG_KEYS: Final = (LOG_LEVEL, DRAIN_SECONDS, TEMPORARY_KEPT_SECONDS)
