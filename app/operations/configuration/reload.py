"""Brings decisions into force in a process: at its start, and whenever something was decided."""

import logging
from typing import Any

from app.kernel.ports.decisions import Watched
from app.kernel.runtime.resources import Resources
from app.operations.configuration.reading import DecisionReader
from app.operations.configuration.repository import REVISION, ConfigurationReads
from app.operations.configuration.rules import ConfigKeys

log = logging.getLogger(__name__)


async def reload(resources: Resources) -> None:
    """Bring what is decided into force in this process."""
    async with resources.database.read() as session:
        rows = {row.key: row for row in await ConfigurationReads(session).current()}
    keys, reader = resources.extensions.of(ConfigKeys), resources.build(DecisionReader)
    was = {key.name: resources.configured(key) for key in keys if key.applied is not None}
    values: dict[str, Any] = {}
    for key in keys:
        decided = reader.read(key, rows.get(key.name))
        if decided.fault is not None:
            log.warning("a decided value is not in force", extra={"key": key.name, "reason": decided.fault})
        if not decided.is_default:
            values[key.name] = decided.value
    resources.configuration.replace(values)
    for key in keys:
        if key.applied is not None and resources.configured(key) != was[key.name]:
            key.applied(resources.settings, resources.configured(key))


WATCHED = (Watched(REVISION, reload),)
