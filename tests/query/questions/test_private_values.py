"""Values of private columns: in no index, in nothing that is said of a question, in no log, metric or audit row."""

import logging
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.query.values.building import ValueIndexing
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register
from tests.query.questions.steps import asked, indexed, rows

HIDDEN = "XqHidden"
"""As the values are stored: people who ask for one write it otherwise."""

QUESTIONS = (
    "members with mail xqhidden3@example.org",
    'members with the mail "xqhidden3@example.org"',
    "how many members are xqhidden3",
    "members whose mail contains xqhidden",
    "members xqhidden3",
    "number of members per mail",
    "how many different mails do members have",
    "the member with the highest v and mail xqhidden",
    "xqhidden3@example.org",
)


@pytest.fixture
async def members(engineer: httpx.AsyncClient, admin: httpx.AsyncClient, open_for_data: None) -> str:  # noqa: ARG001
    """A contract with a private column and one that is not; its table is ACTIVE."""
    columns = [
        {"name": "id", "type": "bigint"},
        {"name": "at", "type": "timestamptz"},
        {"name": "v", "type": "integer"},
        {"name": "mail", "type": "text"},
        {"name": "kind", "type": "text"},
    ]
    contract_id = await register(engineer, "members", columns=columns)
    words = {"mail": {"description": "Where to write to", "sensitivity": "private"}}
    assert (await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": words})).status_code == 200
    sent = [good(n, 1, mail=f"{HIDDEN}{n}@Example.org", kind="gold" if n % 2 else "silver") for n in range(20)]
    await merged(engineer, contract_id, sent)
    await promoted(admin, "members")
    return contract_id


async def test_private_values_are_told_nobody(
    members: str,
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        await resources.build(ValueIndexing).build()
        assert await indexed(owner, "members") == {"kind"}
        assert await rows(admin, "how many members are gold") == [[10]], "of other columns they are known"
        told: list[Any] = [(await asked(admin, question)).text for question in QUESTIONS]
        preview = (await asked(admin, "how many members are gold")).json()["preview_id"]
        for correction in (
            {"kind": "value", "term": "gold", "table": "members", "column": "mail", "value": "xqhidden3@example.org"},
            {"kind": "words", "words": 'by gold I mean with mail "xqhidden3@example.org"'},
        ):
            body = {"preview_id": preview, "corrections": [correction]}
            told.append((await admin.post("/api/query/correct", json=body)).text)
        told += [(await admin.get(path)).text for path in ("/metrics", "/api/glossary", "/api/query/corrections")]
    kept = await owner.fetch(
        "SELECT CAST(a AS text) FROM spyne.audit_log AS a "
        "UNION ALL SELECT CAST(c AS text) FROM spyne.value_columns AS c "
        "UNION ALL SELECT CAST(v AS text) FROM spyne.value_terms AS v "
        "UNION ALL SELECT CAST(p.answer AS text) FROM spyne.query_previews AS p "
        "UNION ALL SELECT CAST(e AS text) FROM spyne.join_evidence AS e"
    )
    said = [*told, *(row[0] for row in kept), caplog.text, *capfd.readouterr()]
    assert not [text for text in said if HIDDEN in text]
    log = [text for text in (caplog.text, *(row[0] for row in kept if "query-correction" in row[0])) if text]
    assert not [text for text in log if HIDDEN.lower() in text.lower()], "not even what was typed"
    private = {"columns": {"kind": {"sensitivity": "private"}}}
    assert (await engineer.patch(f"/api/contracts/{members}", json=private)).status_code == 200
    assert (await asked(admin, "how many members are silver")).status_code == 422, "at once"
    await resources.build(ValueIndexing).build()
    assert await indexed(owner, "members") == set()
