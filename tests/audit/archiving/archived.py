"""Archives of a log, as a run of retention makes them, for the tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from app.kernel.runtime.resources import Resources
from tests.operations.retention.steps import ROOT, ended, working

FUTURE = datetime.now(UTC) + timedelta(days=1)
"""A cut-off with which everything that is sealed is old: seals cannot be made in the past."""


async def asked(admin: httpx.AsyncClient, owner: asyncpg.Connection, upto: int | None = None) -> str:
    """The place of a run over the seals up to this one, or over all that there are; it waits for its worker."""
    answer = await admin.post(f"{ROOT}audit_log/run", json={})
    assert answer.status_code == 202, answer.text
    sealed = await owner.fetchval("SELECT sealed_at FROM spyne.audit_seals WHERE number = $1 + 1", upto)
    cut_off = FUTURE if sealed is None else datetime.fromtimestamp(sealed / 1e6, UTC)
    await owner.execute(
        "UPDATE spyne.retention_runs SET cut_off = $2 WHERE id = $1", UUID(answer.json()["id"]), cut_off
    )
    return answer.headers["location"]


async def archive(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection, upto: int | None = None
) -> dict[str, Any]:
    """The run that has archived and removed the seals up to this one, or all that there are."""
    place = await asked(admin, owner, upto)
    async with working(resources):
        return await ended(admin, place)
