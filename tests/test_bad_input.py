"""Bad input is refused as a problem, never fails, and leaves nothing behind: over every operation of the document."""

import asyncio
import json
from collections import Counter
from typing import Any
from urllib.parse import unquote

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.authorization.holders import Holder
from tests.authorization.world import World, called
from tests.identities import Identities
from tests.malformed import Case, Sound, cases
from tests.middleware.asgi import Answer, scope
from tests.operations_catalogue import CATALOGUE

pytestmark = pytest.mark.slow

UNTOUCHED = (
    "SELECT format('SELECT %L, count(*), md5(string_agg(t::text, '''' ORDER BY t::text)) FROM %I.%I t', "
    "schemaname || '.' || tablename, schemaname, tablename) FROM pg_tables "
    "WHERE schemaname IN ('spyne', 'jobs', 'data', 'staging') "
    "AND tablename NOT IN "
    "('audit_log', 'login_attempts', 'worker_heartbeats', 'security_events', 'spyne_metrics') ORDER BY 1"
)
"""Every table but those that record refusals, with its rows' digest; new tables would show too."""


LEAST_CASES = 6_600
"""Fewer would mean that a source of cases has dried up."""

OTHER_ERRORS = {"issue_token": "error", "evaluate_flag": "errorCode", "evaluate_flags": "errorCode"}
"""Operations whose errors have another standard's form, RFC 6749's and OFREP's, and the field that it asks for."""


async def everything(owner: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    statements = [row[0] for row in await owner.fetch(UNTOUCHED)]
    rows = await owner.fetch(" UNION ALL ".join(statements))
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.fixture
async def world(
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    owner: asyncpg.Connection,
    identities: Identities,
    open_for_data: None,  # noqa: ARG001 - for what it does
) -> World:
    """What the catalogue prepares its requests with."""
    people = [(await identities.user("VIEWER"))[0] for _ in range(2)]
    return World(admin, anonymous, owner, *people)


@pytest.fixture
def asking(admin: httpx.AsyncClient) -> Holder:
    """The admin who sends the sound requests and owns their things."""
    return Holder("person: ADMIN", "ADMIN", {"Authorization": admin.headers["Authorization"]})


async def ask(app: FastAPI, case: Case, token: str) -> Answer:
    headers = [*case.headers]
    if case.body or case.method in {"POST", "PUT"}:
        headers.append((b"content-length", str(len(case.body)).encode()))
    if not case.anonymous:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    path = unquote(case.path.decode("latin-1"))
    request = scope(case.method, path, headers, raw_path=case.path, query_string=case.query)
    inbox = [{"type": "http.request", "body": case.body, "more_body": False}]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return inbox.pop() if inbox else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.messages.append(message)

    async with asyncio.timeout(120):  # a bomb of 100 MB takes seconds, on a busy machine a minute
        await app(request, receive, send)
    return answer


def verdict(case: Case, answer: Answer) -> str | None:
    """What is wrong with the answer, or None."""
    if not 400 <= answer.status < 500 or answer.status == 429:
        return f"{answer.status} {answer.body[:200]!r}"
    if case.method == "HEAD":
        return None
    media = answer.headers.get("content-type")
    document = json.loads(answer.body)
    if case.operation in OTHER_ERRORS and media == "application/json":
        return None if isinstance(document.get(OTHER_ERRORS[case.operation]), str) else f"incomplete: {document}"
    if media != "application/problem+json":
        return f"{answer.status} as {media}"
    if not {"type", "title", "status", "code", "detail", "correlation_id"} <= document.keys():
        return f"incomplete: {document}"
    return None if document["status"] == answer.status else "another status in the body"


@pytest.mark.timeout(900)  # some two minutes on a machine of its own
async def test_every_malformed_request_is_refused_and_leaves_nothing(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, world: World, asking: Holder,
    document: dict[str, Any],
) -> None:  # fmt: skip
    token = await identities.token("ADMIN")
    sound: Sound = {entry.id: (await world.sound(label, asking, fresh=False))[1] for label, entry in CATALOGUE.items()}
    before = await everything(owner)
    wrong: list[str] = []
    asked: Counter[str] = Counter()
    for case in cases(document, sound):
        asked[case.operation] += 1
        fault = verdict(case, await ask(app, case, token))
        if fault is not None:
            wrong.append(f"{case.name} -> {fault}")
    after = await everything(owner)
    changed = {
        name: (before.get(name), after.get(name)) for name in before | after if before.get(name) != after.get(name)
    }
    assert not wrong, f"{len(wrong)} of {asked.total()}:\n" + "\n".join(wrong)
    assert changed == {}
    operations = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert operations - {name for name, count in asked.items() if count >= 2} == set(), "operations without two cases"
    assert asked.total() >= LEAST_CASES


async def test_the_sound_requests_are_taken(world: World, asking: Holder) -> None:
    """Or else the malformed ones might be refused for another reason than their fault."""
    for label in CATALOGUE:
        row, made = await world.sound(label, asking, fresh=True)
        answer = await world.send(called(label, made), asking)
        wanted = "200" if row.answers["ADMIN"] == "shown" else row.answers["ADMIN"]
        assert str(answer.status_code) == wanted, (label, answer.text)
