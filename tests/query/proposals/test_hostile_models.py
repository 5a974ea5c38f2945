"""Hostile and broken models: nothing they answer runs, or is shown, logged, audited or counted by name."""

import asyncio
import gzip
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.language_model.endpoint import MOST_BYTES, ModelEndpoint
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import exposition
from app.settings import ServerSettings
from tests.model_server import ModelServer, Reply, completion, proposing, sending
from tests.query.proposals.conftest import KEY, knowing
from tests.waiting import eventually

QUESTION: Final = "Which carriers fly unicorns?"
MARK: Final = "zzsaidbythemodelzz"
"""Stands in everything that is answered here."""
LONG: Final = 0.3
"""Seconds that a model is waited for which never answers."""
_MANY: Final = "generate_series(1, 100000)"
_DEAR: Final = f"{_MANY} a (x) JOIN {_MANY} b (y) ON x % 2 = y % 2 JOIN {_MANY} c (z) ON y % 2 = z % 2"

STATEMENTS: Final[dict[str, tuple[str, str]]] = {
    "drop": (f"DROP TABLE flights -- {MARK}", "statement-kind"),
    "insert": (f"INSERT INTO airlines VALUES ('XX', '{MARK}')", "statement-kind"),
    "update": (f"UPDATE airlines SET name = '{MARK}'", "statement-kind"),
    "copy out": (f"COPY flights TO '/tmp/{MARK}'", "statement-kind"),
    "copy to a program": (f"COPY (SELECT 1) TO PROGRAM 'touch {MARK}'", "statement-kind"),
    "set role": (f"SET ROLE {MARK}", "statement-kind"),
    "a block": (f"DO $$ BEGIN PERFORM pg_sleep(10); END $$ -- {MARK}", "statement-kind"),
    "two statements": (f"SELECT 1; SELECT '{MARK}'", "multiple-statements"),
    "a drop behind": (f"SELECT * FROM airlines; DROP TABLE airlines -- {MARK}", "multiple-statements"),
    "a CTE that writes": (f"WITH gone AS (DELETE FROM airlines RETURNING carrier) SELECT '{MARK}' FROM gone", ""),
    "select into": (f"SELECT * INTO {MARK} FROM airlines", "into"),
    "a lock": (f"SELECT carrier AS {MARK} FROM airlines FOR UPDATE", "locking-clause"),
    "pg_sleep": (f"SELECT pg_sleep(60), '{MARK}'", "function-not-allowed"),
    "pg_read_file": (f"SELECT pg_read_file('/etc/{MARK}')", "function-not-allowed"),
    "lo_import": (f"SELECT lo_import('/etc/{MARK}')", "function-not-allowed"),
    "set_config": (f"SELECT set_config('role', '{MARK}', false)", "function-not-allowed"),
    "dblink": (f"SELECT * FROM dblink('host={MARK}', 'SELECT 1') AS t (a text)", ""),
    "query_to_xml": (f"SELECT query_to_xml('SELECT {MARK}', true, true, '')", "function-not-allowed"),
    "a catalog": (f"SELECT rolname AS {MARK} FROM pg_catalog.pg_authid", "system-relation"),
    "information_schema": (f"SELECT table_name AS {MARK} FROM information_schema.tables", "system-relation"),
    "control tables": (f"SELECT * FROM spyne.users AS {MARK}", "schema-qualified"),
    "physical tables": (f"SELECT * FROM data.airlines__v1 AS {MARK}", "schema-qualified"),
    "hidden columns": (f"SELECT _spyne_hash AS {MARK} FROM airlines", "system-column"),
    "no such table": (f"SELECT * FROM {MARK}", "table-not-found"),
    "no such column": (f"SELECT {MARK} FROM airlines", "unknown-column"),
    "every pair": (f"SELECT count(*) AS {MARK} FROM flights a, flights b", "comma-join"),
    "more than it may cost": (f"SELECT count(*) AS {MARK} FROM {_DEAR}", "too-expensive"),
    "what PostgreSQL refuses": (f"SELECT CAST('{MARK}' AS integer)", "sqlstate-22P02"),
    "no SQL": (f"please run {MARK}", ""),
    "a comment": (f"-- {MARK}", "empty"),
}
"""Statements, and the rule that refuses them; where that is empty, whichever comes first."""

_TOLD = completion(json.dumps({"sql": f"SELECT '{MARK}' AS a FROM airlines"}))
ANSWERS: Final[dict[str, tuple[Reply, str]]] = {
    "a statement in prose": (sending(completion(f"Try SELECT '{MARK}' FROM airlines.")), "no-statement"),
    "several fences": (sending(completion(f"```sql\nSELECT 1\n```\n```sql\nSELECT '{MARK}'\n```")), "no-statement"),
    "nothing": (sending(b""), "unreadable"),
    "no text": (sending(completion("")), "no-statement"),
    "invalid JSON": (sending(_TOLD[:-3]), "unreadable"),
    "invalid UTF-8": (sending(_TOLD.replace(b"airlines", b"\xc3\x28")), "unreadable"),
    "10 MiB": (sending(completion(MARK + "x" * 10 * 1024 * 1024)), "too-large"),
    "10 MiB in few bytes": (
        sending(gzip.compress(completion(MARK + "x" * 10 * 1024 * 1024)), **{"Content-Encoding": "gzip"}),
        "too-large",
    ),
    "just too much": (sending(_TOLD + b" " * MOST_BYTES), "too-large"),
    "an encoding nobody asked for": (sending(_TOLD, **{"Content-Encoding": "br"}), "unreachable"),
    "less than was promised": (sending(_TOLD, **{"Content-Length": "99999"}), "unreachable"),
    "no HTTP": (lambda handler: handler.wfile.write(b"220 mail ready\r\n") and None, "unreachable"),
    "a page": (sending(f"<html>{MARK}</html>".encode()), "unreadable"),
    "401": (sending(f'{{"error": "{MARK} {KEY}"}}'.encode(), 401), "status"),
    "429": (sending(_TOLD, 429, **{"Retry-After": "1"}), "status"),
    "500": (sending(_TOLD, 500), "status"),
    "201": (sending(_TOLD, 201), "status"),
    "it declines": (proposing(None), "declined"),
}

pytestmark = pytest.mark.usefixtures("flights", "asked_when_refused")


@pytest.fixture
def lines(app: FastAPI) -> Iterator[io.BytesIO]:
    """What the running application logs."""
    assert app
    stream = io.BytesIO()
    configure_logging(ServerSettings(log_level="debug"), stream)
    yield stream
    configure_logging(ServerSettings(), io.BytesIO())


@pytest.fixture
async def unharmed(owner: "asyncpg.Connection[Any]", lines: io.BytesIO) -> AsyncIterator[None]:
    """After the test: nothing ran, nothing was kept, and what the model said stands nowhere."""
    tables = "SELECT count(*) FROM pg_class WHERE relname LIKE '%__v1'"
    before = await owner.fetchval(tables)
    yield
    for table in ("query_previews", "query_executions"):
        assert await owner.fetchval(f"SELECT count(*) FROM spyne.{table}") == 0
    assert await owner.fetchval(tables) == before
    assert await owner.fetchval("SELECT count(*) FROM data.airlines__v1") == 16
    audit = await owner.fetchval("SELECT string_agg(a::text, ' ') FROM spyne.audit_log AS a")
    for told in (audit, lines.getvalue().decode(), exposition().decode()):
        assert told
        assert MARK not in told
        assert KEY not in told


async def refusal(client: httpx.AsyncClient) -> dict[str, Any]:
    """What is answered about the model; the answer must be that of the rules, small and clear."""
    answer = await client.post("/api/query/preview", json={"query": QUESTION})
    document = answer.json()
    assert (answer.status_code, document["code"]) == (422, "cannot-answer"), answer.text
    assert "unicorns" in document["not_understood"]
    assert MARK not in answer.text
    assert KEY not in answer.text
    found: dict[str, Any] = document["language_model"]
    assert len(json.dumps(found)) < 1_000
    return found


@pytest.mark.usefixtures("unharmed")
async def test_the_guard_refuses_what_no_sender_may_run(analyst: httpx.AsyncClient, model: ModelServer) -> None:
    wrong = {}
    for name, (sql, rule) in STATEMENTS.items():
        model.reply = proposing(sql)
        found = await refusal(analyst)
        if found["outcome"] != "refused" or (rule and rule not in found["rules"]):
            wrong[name] = found
    assert wrong == {}
    assert len(model.asked) == len(STATEMENTS)


@pytest.mark.usefixtures("unharmed")
async def test_an_answer_that_is_no_statement_is_no_failure_of_the_service(
    analyst: httpx.AsyncClient, model: ModelServer
) -> None:
    wrong = {}
    for name, (reply, outcome) in ANSWERS.items():
        model.reply = reply
        found = await refusal(analyst)
        if found["outcome"] != outcome or (outcome == "status" and found["status"] != int(name)):
            wrong[name] = found
    assert wrong == {}
    assert len(model.asked) == len(ANSWERS), "nothing is asked twice"


@pytest.mark.usefixtures("unharmed")
async def test_no_redirect_is_followed_and_no_key_taken_along(analyst: httpx.AsyncClient, model: ModelServer) -> None:
    with ModelServer().running() as elsewhere:
        for status in (301, 302, 307, 308):
            model.reply = sending(b"", status, Location=f"{elsewhere.url}/chat/completions")
            assert await refusal(analyst) == {
                "outcome": "status",
                "detail": "The language model's endpoint refused the request.",
                "status": status,
            }
        assert elsewhere.asked == []


@pytest.mark.usefixtures("unharmed")
async def test_a_model_that_is_away_or_where_it_may_not_be_is_not_asked(
    analyst: httpx.AsyncClient, resources: Resources, model: ModelServer
) -> None:
    with ModelServer().running() as gone:
        pass
    for settings in (
        knowing(gone.url),
        knowing(model.url, allowed_networks=[]),
        knowing(f"http://{'x' * 5_000}.invalid/v1"),
    ):
        resources.extensions.add(ModelEndpoint(settings))
        assert (await refusal(analyst))["outcome"] == "unreachable"
    assert model.asked == []


@pytest.mark.usefixtures("unharmed")
async def test_a_model_that_hangs_or_drips_costs_its_timeout(
    analyst: httpx.AsyncClient, resources: Resources, model: ModelServer
) -> None:
    resources.extensions.add(ModelEndpoint(knowing(model.url, timeout_seconds=LONG)))
    for reply in (model.hangs, model.drips):
        model.reply = reply
        begun = time.monotonic()
        assert (await refusal(analyst))["outcome"] == "timeout"
        assert time.monotonic() - begun < LONG + 10, "a busy machine; the server would wait for ever"


@pytest.mark.usefixtures("unharmed")
async def test_more_questions_than_it_is_asked_at_once_do_not_wait_for_it(
    analyst: httpx.AsyncClient, resources: Resources, model: ModelServer
) -> None:
    resources.extensions.add(ModelEndpoint(knowing(model.url, concurrency=2)))
    model.reply = model.hangs
    waiting = [asyncio.create_task(refusal(analyst)) for _ in range(2)]
    await eventually(lambda: len(model.asked) == 2, what="two questions under way")
    assert (await refusal(analyst))["outcome"] == "busy"
    model.released.set()
    assert [found["outcome"] for found in await asyncio.gather(*waiting)] == ["declined", "declined"]
    assert (await refusal(analyst))["outcome"] == "declined", "there is room again"
