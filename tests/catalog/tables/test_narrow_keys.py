"""A key that may promote, and nothing else, makes the changes of state that are promotions."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.tables.lifecycle import TRANSITIONS, TableState, Transition
from tests.catalog.steps import deprecated, moved, promoted, registered
from tests.identities import Identities

pytestmark = pytest.mark.usefixtures("open_for_data")


@pytest.fixture
async def promoter(app: FastAPI, identities: Identities) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an admin's service, whose key is narrowed to promotions."""
    key = await identities.key_of(await identities.client("ADMIN"), ["tables:promote"])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://spyne.test", headers={"X-API-Key": key}
    ) as client:
        yield client


async def test_what_is_no_promotion_needs_the_right_to_deprecate(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, promoter: httpx.AsyncClient
) -> None:
    for (before, after), kind in TRANSITIONS.items():
        name = f"t_{before.value}_{after.value}".lower()
        await registered(engineer, name)
        if before is TableState.DEPRECATED:
            assert (await deprecated(admin, name)).status_code == 200
        elif before is not TableState.SHADOW:
            await promoted(admin, name, before.value)
        answer = await moved(promoter, f"{name}@1", before.value, after.value)
        assert answer.status_code == (200 if kind is Transition.PROMOTE else 403), (before, after, answer.text)
        state = (await admin.get(f"/api/tables/{name}/state")).json()["state"]
        assert state == (after if kind is Transition.PROMOTE else before).value
