"""A preview counts until its statement runs: what was looked at before may be over by then."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.kernel.security.authorization import Actor
from app.query.execute import ExecutablePreview, ExecuteService
from tests.query.asking import execute, preview


@pytest.mark.usefixtures("flights")
async def test_a_preview_whose_time_ends_while_it_is_planned_is_not_run(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await preview(analyst, "SELECT count(*) AS n FROM flights")
    check = ExecuteService.check

    async def long(service: ExecuteService, actor: Actor, preview_id: UUID) -> ExecutablePreview:
        found = await check(service, actor, preview_id)
        await owner.execute("UPDATE spyne.query_previews SET expires_at = now()")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ExecuteService, "check", long)
        assert (await execute(analyst, made["preview_id"])).status_code == 409
    assert await owner.fetchval("SELECT count(*) FROM spyne.query_executions") == 0
    assert (await execute(analyst, made["preview_id"])).json()["code"] == "preview-expired"
