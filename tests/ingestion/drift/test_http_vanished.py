"""Columns that senders do not send any more, or send under another name: values stay, and queries go on."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest

from app.warehouse import relation_checks
from app.warehouse.plan import Mode, Resolution
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import (
    all_drift,
    contract_with,
    drift,
    drift_of,
    good,
    merged,
    resolve,
    resolved,
    said,
    sent,
    undo,
    values,
)
from tests.ingestion.steps import COLUMNS, FORMATS, counted
from tests.query.asking import rows as queried

pytestmark = pytest.mark.usefixtures("open_for_data")

WITH_MAIL = [*COLUMNS, {"name": "mail", "type": "text"}]
PEOPLE = [f"person{number}@example.org" for number in range(40)]


def people(field: str, *, hour: float = 0) -> Sequence[dict[str, Any]]:
    """A row for each person, whose address stands in this field."""
    return [good(number, number, hour, **{field: mail}) for number, mail in enumerate(PEOPLE)]


async def test_stored_values_of_a_vanished_column_stay(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    for mode, resolution in product((Mode.UPSERT, Mode.REPLACE), Resolution):
        table = f"{mode.value}_{resolution.value}"
        contract_id = await contract_with(
            engineer, table, "freeze", "freeze", mode.value, resolution.value, columns=WITH_MAIL
        )
        await merged(engineer, contract_id, [good(1, 1, mail="ada@example.org"), good(2, 2, mail="bob@example.org")])
        report = await merged(engineer, contract_id, [good(1, 5, hour=1), good(2, 2), good(3, 3)])
        stored = await values(owner, table, "mail")
        assert (stored[1], stored[2]) == ("ada@example.org", "bob@example.org"), (mode, resolution)
        assert report["counts"]["unchanged"] >= 1, "the same row without the column is the same row"
        (found,) = await drift_of(engineer, report)
        assert (said(found), found["severity"], found["rows"]) == ([("REMOVE", "mail")], "WARNING", 3)
        assert found["changes"][0]["rule"] == "column-absent"


@pytest.mark.parametrize("media", FORMATS)
async def test_it_is_reported_in_every_format_and_a_null_is_a_value(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str
) -> None:
    contract_id = await contract_with(engineer, "formats", "evolve", "evolve", columns=WITH_MAIL)
    await merged(engineer, contract_id, [good(1, mail="ada@example.org"), good(2, mail="bob@example.org")], media)
    report = await merged(engineer, contract_id, [good(1, 5, hour=1)], media)
    (found,) = await drift_of(engineer, report)
    assert (said(found), found["status"]) == ([("REMOVE", "mail")], "open"), "no policy takes a column away"
    assert await values(owner, "formats", "v", "mail") == {1: (5, "ada@example.org"), 2: (1, "bob@example.org")}
    nulled = await merged(engineer, contract_id, [good(1, 5, hour=2, mail=None)], media)
    assert nulled["drift"] == []
    assert (await values(owner, "formats", "mail"))[1] is None, "whoever wants nulls sends them"


async def test_accepting_that_a_column_is_gone_takes_nothing_away(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "gone", columns=WITH_MAIL)
    await merged(engineer, contract_id, [good(1, mail="ada@example.org")])
    (report,) = (await merged(engineer, contract_id, [good(2)]))["drift"]
    done = await resolved(engineer, report, "accept")
    assert (done["status"], done["resolution"]["schema_version"]) == ("accepted", None)
    assert await values(owner, "gone", "mail") == {1: "ada@example.org", 2: None}


async def test_a_column_by_another_name_is_one_rename_and_is_read_from_the_new_field(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "renamed", "discard_value", columns=WITH_MAIL)
    await merged(engineer, contract_id, people("mail"))
    await promoted(admin, "renamed")
    report = await merged(engineer, contract_id, people("address", hour=1))
    assert counted(report) == {"updated": len(PEOPLE)}
    assert set((await values(owner, "renamed", "mail")).values()) == set(PEOPLE), "the stored addresses stay"
    (found,) = await drift_of(engineer, report)
    (change,) = found["changes"]
    assert (change["kind"], change["old"], change["new"]) == ("RENAME", "mail", "address")
    assert 0.5 < change["confidence"] <= 1
    assert change["evidence"]["value_overlap"] == 1
    done = await resolved(engineer, found["id"], "accept")
    assert done["status"] == "accepted"
    changed = [row | {"address": f"new-{row['address']}"} for row in people("address", hour=2)]
    again = await merged(engineer, contract_id, changed)
    assert (again["drift"], counted(again)) == ([], {"updated": len(PEOPLE)})
    assert set((await values(owner, "renamed", "mail")).values()) == {f"new-{mail}" for mail in PEOPLE}
    asked = await queried(analyst, "SELECT mail FROM renamed WHERE id = 7")
    assert asked == [[f"new-{PEOPLE[7]}"]], "queries go on by the old name"
    schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    assert {each["name"]: each["source"] for each in schema["columns"]}["mail"] == "address"
    assert await relation_checks.findings(owner) == []


async def test_undoing_a_rename_reads_the_old_field_again(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "undone", "discard_value", columns=WITH_MAIL)
    await merged(engineer, contract_id, people("mail"))
    (report,) = (await merged(engineer, contract_id, people("address", hour=1)))["drift"]
    await resolved(engineer, report, "accept")
    undone = await undo(engineer, report)
    assert (undone.status_code, undone.json()["status"]) == (200, "undone"), undone.text
    await merged(engineer, contract_id, [good(1, mail="old@example.org", hour=3)])
    assert (await values(owner, "undone", "mail"))[1] == "old@example.org"
    assert (await drift(engineer, report))["links"].get("undo") is None


async def test_under_freeze_the_refused_rows_of_a_rename_come_in_once_it_is_accepted(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "frozen", columns=WITH_MAIL)
    await merged(engineer, contract_id, people("mail"))
    refused = await sent(engineer, contract_id, people("address", hour=1))
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing-accepted")
    (found,) = await all_drift(engineer, status="open")
    assert said(found) == [("RENAME", "mail")]
    assert (await resolve(engineer, found["id"], "accept")).status_code == 200
    report = await merged(engineer, contract_id, people("address", hour=1))
    assert counted(report) == {"updated": len(PEOPLE)}
    assert set((await values(owner, "frozen", "mail")).values()) == set(PEOPLE)


async def test_a_policy_that_evolves_does_not_take_a_likely_rename_for_a_new_column(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """A rename is never applied without a person's consent, and neither is what would hide it."""
    contract_id = await contract_with(engineer, "evolving", "evolve", columns=WITH_MAIL)
    await merged(engineer, contract_id, people("mail"))
    await sent(engineer, contract_id, people("address", hour=1))
    (found,) = await all_drift(engineer)
    assert (said(found), found["status"]) == ([("RENAME", "mail")], "open")
    schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    assert schema["version"] == 1
    assert set((await values(owner, "evolving", "mail")).values()) == set(PEOPLE)


async def test_names_that_are_alike_make_no_rename_of_columns_with_other_values(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    columns = [*COLUMNS, {"name": "address_1", "type": "text"}]
    for policy in ("discard_value", "evolve"):
        contract_id = await contract_with(engineer, f"by_{policy}", policy, columns=columns)
        await merged(engineer, contract_id, people("address_1"))
        others = [good(100 + number, address_11=f"street {number}") for number in range(40)]
        report = await merged(engineer, contract_id, others)
        changes = [change for each in await drift_of(engineer, report) for change in said(each)]
        assert sorted(changes) == [("ADD", "address_11"), ("REMOVE", "address_1")], policy
    assert (await values(owner, "by_evolve", "address_11"))[105] == "street 5"


async def test_a_rename_is_told_by_what_was_stored_before_the_rows_were_merged(engineer: httpx.AsyncClient) -> None:
    """Rows of keys that are new have a null under the old name, which says nothing."""
    contract_id = await contract_with(engineer, "before", "discard_value", columns=WITH_MAIL)
    await merged(engineer, contract_id, people("mail"))
    fresh = [row | {"id": 1_000 + number} for number, row in enumerate(people("address"))]
    (found,) = await drift_of(engineer, await merged(engineer, contract_id, fresh))
    assert said(found) == [("RENAME", "mail")]
    assert found["changes"][0]["evidence"]["null_ratio_difference"] == 0
