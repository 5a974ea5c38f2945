"""What every repository can do, on a table of the service."""

from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from app.kernel.db.database import Database
from app.kernel.ids import new_id
from app.kernel.runtime.resources import Resources
from app.operations.flags.models import FlagRow
from app.operations.flags.repository import FlagReads, FlagWrites


def flag(key: str) -> dict[str, Any]:
    return {
        "id": new_id(), "key": key, "type": "boolean", "variants": {"on": True}, "default_variant": "on",
        "off_variant": "on", "created_by": "x", "updated_by": "x",
    }  # fmt: skip


@pytest.fixture
def database(app: FastAPI) -> Database:
    resources: Resources = app.state.resources
    return resources.database


async def test_rows_are_made_changed_and_put_at_once(database: Database) -> None:
    rows = [flag(f"bulk-{n}") for n in range(3)]
    async with database.write() as session:
        flags = FlagWrites(session)
        assert await flags.add_all(rows) == 3
        assert await flags.change_all([{"id": rows[0]["id"], "owner": "ada"}]) == 1
        assert await flags.put_all([rows[1] | {"owner": "bob"}, flag("bulk-3") | {"owner": ""}]) == 2
    async with database.read() as session:
        found = {row.key: row.owner for row in await FlagReads(session).all(FlagReads(session).base())}
    assert found == {"bulk-0": "ada", "bulk-1": "bob", "bulk-2": "", "bulk-3": ""}


async def test_a_change_counts_for_the_version_that_was_read_alone(database: Database) -> None:
    made = flag("versioned")
    async with database.write() as session:
        flags = FlagWrites(session)
        await flags.add_all([made])
        changed = await flags.change_version(made["id"], 1, {"owner": "ada"})
        assert changed is not None
        assert (changed.owner, changed.version) == ("ada", 2)
        assert await flags.change_version(made["id"], 1, {"owner": "bob"}) is None
        assert await flags.change_version(new_id(), 1, {"owner": "bob"}) is None
        assert (await flags.by_key("versioned")).owner == "ada"


async def test_what_is_removed_is_not_there(database: Database, owner: asyncpg.Connection) -> None:
    await owner.execute("GRANT DELETE ON spyne.feature_flags TO spyne_app")  # flags themselves are kept for ever
    made = flag("removed")
    async with database.write() as session:
        flags = FlagWrites(session)
        await flags.add_all([made])
        one = flags.base().where(FlagRow.key == "removed")
        assert await flags.exists(one)
        assert await flags.remove_by_id(made["id"])
        assert not await flags.remove_by_id(made["id"])
        assert not await flags.exists(one)
