"""`spyne verify` says whether a query is bounded in its memory."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.commands import environment_repository as rows
from app.commands.environment import Environment
from app.commands.verify_installation import Verified, _memory
from app.kernel.db import query_login
from app.kernel.db.backend_memory import Confinement
from app.kernel.db.connections import DatabaseUrls
from app.settings import Settings
from tests.conftest import SECRET


async def _found(settings: Settings, urls: DatabaseUrls, owner: "asyncpg.Connection[Any]") -> Verified:
    verified = Verified()
    await _memory(Environment(settings, urls, SECRET), owner, verified)
    assert verified.findings == []
    return verified


async def test_our_limit_counts(settings: Settings, urls: DatabaseUrls, owner: "asyncpg.Connection[Any]") -> None:
    verified = await _found(settings, urls, owner)
    assert (verified.looked_at, verified.notes) == ({"memory": 1}, [])


@pytest.mark.parametrize("limit", [None, 2**30])
async def test_where_there_is_none_the_servers_own_counts(
    settings: Settings,
    urls: DatabaseUrls,
    owner: "asyncpg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
    limit: int | None,
) -> None:
    monkeypatch.setattr(query_login, "confine", lambda *_: Confinement.NOT_OURS)
    assert await rows.memory_limit(owner) is None  # of the server of the tests
    if limit is not None:

        async def started_with(_: object) -> int | None:
            return limit

        monkeypatch.setattr(rows, "memory_limit", started_with)
    verified = await _found(settings, urls, owner)
    assert bool(verified.notes) is (limit is None)
    assert limit is not None or "docs/operating.md" in verified.notes[0]


async def test_a_login_that_cannot_be_used_is_a_note(
    settings: Settings, urls: DatabaseUrls, owner: "asyncpg.Connection[Any]"
) -> None:
    wrong = make_url(urls.query).set(password="another").render_as_string(hide_password=False)
    verified = await _found(settings, replace(urls, query=wrong), owner)
    assert "not looked at" in verified.notes[0]
