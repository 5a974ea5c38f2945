"""Administration of service clients in the database."""

from datetime import timedelta

import pytest

from app.access.clients.service import KeyRevoked
from app.access.naming import NameTaken
from app.kernel.clock import utc_now
from app.kernel.problems import InvalidRequest
from app.kernel.security.authorization import SYSTEM
from tests.access.administration import Change


async def test_keys_are_revoked_once_and_expire_in_the_future(change: Change) -> None:
    client = await change(lambda access: access.clients.create(SYSTEM, "loader", ["ENGINEER"]))
    with pytest.raises(NameTaken):
        await change(lambda access: access.clients.create(SYSTEM, "LOADER", []))
    with pytest.raises(InvalidRequest):
        await change(lambda access: access.clients.issue_key(SYSTEM, client.id, utc_now() - timedelta(seconds=1)))
    key, _ = await change(lambda access: access.clients.issue_key(SYSTEM, client.id))
    await change(lambda access: access.clients.revoke_key(SYSTEM, client.id, key.id))
    with pytest.raises(KeyRevoked):
        await change(lambda access: access.clients.revoke_key(SYSTEM, client.id, key.id))
