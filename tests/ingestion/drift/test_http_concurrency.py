"""Contracts evolve while many batches come in: nothing fails, nothing is lost, every count adds up.

`SPYNE_TEST_EVOLUTIONS=20 python -m pytest -n0 -s tests/ingestion/drift/test_http_concurrency.py` has 20 evolutions and
200 batches; the suite has fewer.
"""

import asyncio
import itertools
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest

from app.warehouse import relation_checks
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import all_drift, columns_of, contract_with, good, resolve, said, sent, undo, values
from tests.waiting import eventually

EVOLUTIONS = int(os.environ.get("SPYNE_TEST_EVOLUTIONS", "5"))
"""How often the schema changes while batches come in."""

BATCHES = 10 * EVOLUTIONS if EVOLUTIONS > 5 else 40
CLIENTS = 8
ROWS = 5

pytestmark = [pytest.mark.usefixtures("open_for_data"), pytest.mark.timeout(120 + 20 * EVOLUTIONS)]


@dataclass
class Senders:
    """Clients that send batches, each of rows with keys of their own; one batch in so many brings a new field."""

    client: httpx.AsyncClient
    contract_id: str
    statuses: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    rows_received: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    sent_values: dict[str, dict[int, Any]] = field(default_factory=dict)
    """What was sent in new fields: by field, by key."""
    done: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._send())

    async def _send(self) -> None:
        while (number := next(self._numbers)) < BATCHES:
            rows = [good(number * ROWS + n) for n in range(ROWS)]
            if number % (BATCHES // EVOLUTIONS) == 0:
                name = f"field_{number}"
                for row in rows[::2]:
                    row[name] = f"value {row['id']}"
                    self.sent_values.setdefault(name, {})[row["id"]] = row[name]
            begun = time.monotonic()
            answer = await sent(self.client, self.contract_id, rows)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            code = answer.json().get("code", "") if answer.is_error else ""
            self.statuses[f"{answer.status_code} {code}".strip()] += 1
            if answer.status_code == 201:
                self.rows_received += answer.json()["rows"]
                self.verdicts += Counter(answer.json()["counts"])
            self.done += 1


async def test_no_batch_fails_and_none_is_lost_while_policies_and_people_change_the_schema(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "busy", "evolve", "evolve", "append")
    await sent(engineer, contract_id, [good(10_000_000)])
    await promoted(admin, "busy")
    senders = Senders(engineer, contract_id)
    sending = asyncio.create_task(senders.run())
    decided: Counter[str] = Counter()
    for number in range(EVOLUTIONS):
        least = senders.done + 1
        await eventually(lambda least=least: sending.done() or senders.done >= least)  # type: ignore[misc]
        await _decide(engineer, contract_id, number, decided)
    await sending
    await _holds(engineer, owner, senders)
    version = (await engineer.get(f"/api/contracts/{contract_id}")).json()["schema_version"]
    print(
        f"batches={BATCHES} {dict(senders.statuses)} decisions={dict(decided)} schema_version={version} "
        f"slowest={senders.slowest:.2f}s"
    )
    assert decided["accept 200"] == EVOLUTIONS
    assert set(decided) <= {"accept 200", "undo 200", "undo 409"}, "a schema that went on meanwhile is not undone"
    applied = [each for each in await all_drift(engineer, limit=200) if each["resolution"]]
    by_policy = sum(each["resolution"]["by"] == "policy: evolve" for each in applied)
    assert by_policy >= 1
    assert version == 1 + by_policy + decided["accept 200"] + decided["undo 200"]


async def _decide(engineer: httpx.AsyncClient, contract_id: str, number: int, decided: Counter[str]) -> None:
    """Accept a column that no batch brings; every second time, take it back."""
    while True:
        types = await columns_of(engineer, contract_id)
        columns = [{"name": name, "type": type_} for name, type_ in types.items()]
        body = {"schema": {"columns": [*columns, {"name": f"asked_{number}", "type": "bigint"}]}}
        compared = await engineer.post(f"/api/contracts/{contract_id}/drift", json=body)
        assert compared.status_code == 200, compared.text
        if [kind for kind, _ in said(compared.json())] == ["ADD"]:
            break
        # A batch brought a column between the look at the schema and the comparison: by that, the column is to go.
        assert (await resolve(engineer, compared.json()["id"], "reject")).status_code == 200
    accepted = await resolve(engineer, compared.json()["id"], "accept")
    decided[f"accept {accepted.status_code}"] += 1
    if number % 2:
        undone = await undo(engineer, compared.json()["id"])
        decided[f"undo {undone.status_code}"] += 1


async def _holds(engineer: httpx.AsyncClient, owner: asyncpg.Connection, senders: Senders) -> None:
    """Every batch was merged, every row is stored once with all that was sent in it, and all of it agrees."""
    assert senders.statuses == {"201": BATCHES}, senders.statuses
    assert senders.rows_received == sum(senders.verdicts.values()) == BATCHES * ROWS
    assert +senders.verdicts == {"inserted": BATCHES * ROWS}, senders.verdicts
    stored = await values(owner, "busy", "v", *senders.sent_values)
    assert len(stored) == BATCHES * ROWS + 1
    for place, (name, sent_values) in enumerate(senders.sent_values.items(), 1):
        found = {id_: row[place] for id_, row in stored.items() if row[place] is not None}
        assert found == sent_values, name
    assert await relation_checks.findings(owner) == []
    waiting = await all_drift(engineer, status="open", limit=200)
    assert {kind for each in waiting for kind, _ in said(each)} <= {"REMOVE"}, "other batches do not bring the column"
