"""A job that waits is found again, and is entrusted with more work as long as it will be started."""

from uuid import UUID

import pytest

from app.kernel.db.database import OperationClass
from app.kernel.jobs import cancel, enqueue_once
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM


async def once(resources: Resources, name: str = "some:job", key: str = "a") -> UUID:
    async with resources.database.write() as session:
        return await enqueue_once(session, name, {"n": 1}, actor=SYSTEM, key=key)


@pytest.mark.parametrize(("name", "key"), [("some:job", "b"), ("another:job", "a")])
async def test_a_waiting_job_is_the_one_of_its_name_and_key(resources: Resources, name: str, key: str) -> None:
    first = await once(resources)
    assert await once(resources) == first
    assert await once(resources, name, key) != first


async def test_what_is_to_be_cancelled_is_entrusted_with_nothing_more(resources: Resources) -> None:
    first = await once(resources)
    async with resources.database.write(OperationClass.CONTROL) as session:
        assert await cancel(session, first)
    second = await once(resources)
    assert second != first, "the first is never started: what was asked for now would never be done"
    assert await once(resources) == second
