"""Relations of Spyne's own that somebody altered beside their contracts: reported, and never taken for a contract."""

import asyncpg
import httpx
import pytest

from tests.census import census, differences
from tests.ingestion.steps import register, send

pytestmark = pytest.mark.usefixtures("open_for_data")

ALTERED = {
    "ALTER TABLE data.things__v1 ADD COLUMN extra text": 422,
    "ALTER TABLE data.things__v1 ALTER COLUMN v TYPE bigint": 422,
    "ALTER TABLE data.things__v1 DROP COLUMN v": 422,
    "ALTER TABLE data.things__v1 RENAME COLUMN v TO w": 422,
    "ALTER TABLE data.things__v1 ALTER COLUMN v SET NOT NULL": 422,
    "ALTER TABLE data.things__v1 ALTER COLUMN v SET DEFAULT 7": 422,
    "ALTER TABLE data.things__v1 RENAME TO elsewhere": 422,
    "DROP TABLE data.things__v1": 422,
    "COMMENT ON COLUMN data.things__v1.v IS 'words'": 200,
}
"""What was done by hand, and what is answered to who would accept that."""


UNSAID = {statement for statement in ALTERED if "DEFAULT" in statement or "COMMENT" in statement}
"""What no contract says: a further version would be the same."""


@pytest.mark.parametrize("statement", ALTERED)
@pytest.mark.parametrize("action", ["accept", "reject", "new_version"])
async def test_what_was_altered_by_hand_never_becomes_the_contract(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, statement: str, action: str
) -> None:
    contract_id = await register(engineer, "things")
    assert (await send(engineer, contract_id, [(1, 0, 10)])).status_code == 201
    before = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    await owner.execute(statement)
    path = f"/api/contracts/{contract_id}/drift"
    kept = await census(owner)
    assert (await engineer.post(path, json={"relation": True}, params={"dry_run": "true"})).json()["id"] is None
    assert differences(kept, await census(owner)) == [], "only a look"
    found = await engineer.post(path, json={"relation": True})
    assert found.status_code == 200, found.text
    report = found.json()
    assert (report["source"], bool(report["changes"])) == ("relation", True)
    answer = await engineer.post(f"/api/drift/{report['id']}/resolve", json={"action": action, "note": "by hand"})
    refused = {"accept": ALTERED[statement], "new_version": 422 if statement in UNSAID else 200}
    assert answer.status_code == refused.get(action, 200), answer.text
    assert (await engineer.get(f"/api/contracts/{contract_id}/schema")).json() == before


async def test_a_relation_that_is_as_it_was_closes_its_report(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things")
    path = f"/api/contracts/{contract_id}/drift"
    await owner.execute("ALTER TABLE data.things__v1 ADD COLUMN extra text")
    report = (await engineer.post(path, json={"relation": True})).json()
    await owner.execute("ALTER TABLE data.things__v1 DROP COLUMN extra")
    again = (await engineer.post(path, json={"relation": True})).json()
    assert (again["id"], again["changes"]) == (None, [])
    assert (await engineer.get(f"/api/drift/{report['id']}")).json()["status"] == "undone"
