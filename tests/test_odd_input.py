"""Odd requests never make the service fail: they are refused as problems or answered, over every operation.

By default each operation is asked a third of what is odd, and each oddity is asked of a third of the operations. All:

    SPYNE_TEST_EVERY_ODDITY=1 python -m pytest -n 0 -s tests/test_odd_input.py
"""

import asyncio
import itertools
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote, urlencode

import pytest

from app.kernel.embedded import ServerAddress
from tests.authorization.holders import Holder
from tests.authorization.matrix import Row, read
from tests.authorization.place import Place, opened
from tests.authorization.world import Call
from tests.ingestion.steps import contract
from tests.middleware.asgi import Answer, scope
from tests.odd import BEYOND, NUMBERS, ODD_TIMES, TEXTS, Odd, of_cookies, of_form, of_headers, of_json, of_query

pytestmark = pytest.mark.slow

SHARE = 1 if "SPYNE_TEST_EVERY_ODDITY" in os.environ else 4
"""One of so many oddities is asked of an operation, others of the next one."""
LEAST_PER_OPERATION = 25 // SHARE


@pytest.fixture(scope="module")
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


async def asked(place: Place, call: Call, holder: Holder, odd: Odd) -> Answer:
    """The answer to a sound call with what is odd about it in place."""
    more = dict(call.more)
    given = {} if call.bare or odd.anonymous else dict(holder.headers)
    headers = {name.lower(): value.encode() for name, value in (given | more.get("headers", {})).items()}
    if odd.anonymous:
        headers.pop("authorization", None)
    body, media = b"", None
    if "json" in more:
        body, media = json.dumps(more["json"]).encode(), b"application/json"
    elif "data" in more:
        body, media = urlencode(more["data"]).encode(), b"application/x-www-form-urlencoded"
    elif "content" in more:
        body = more["content"]
    if media is not None:
        headers["content-type"] = media
    headers.setdefault("host", b"spyne.test")
    body = body if odd.body is None else odd.body
    sent = [(name, value) for name, value in headers.items() if name not in {each for each, _ in odd.headers}]
    sent += odd.headers
    wire = [(name.encode(), value) for name, value in sent]
    query = b"&".join(part for part in (urlencode(more.get("params", {})).encode(), odd.query) if part)
    inbox = [{"type": "http.request", "body": body}]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        if not inbox:
            await asyncio.Event().wait()
        return inbox.pop()

    async def send(message: Any) -> None:
        answer.messages.append(message)

    request = scope(call.method, unquote(call.path), wire, raw_path=call.path.encode(), query_string=query)
    async with asyncio.timeout(30):
        await place.app(request, receive, send)
    return answer


def fault(odd: Odd, answer: Answer) -> str | None:
    """What is wrong with the answer, or None."""
    told = f"{answer.status} {answer.body[:200]!r}"
    if answer.status >= 500 or (odd.refused and answer.status < 400):
        return told
    for name, value in answer.messages[0]["headers"]:
        if b"\r" in value or b"\n" in value or b"\x00" in value or b"evil" in value:
            return f"header {name!r}: {value!r}"
    if answer.status < 400 or answer.status == 304:
        return None
    media = answer.headers.get("content-type", "")
    document = json.loads(answer.body)
    if media == "application/problem+json" and document["status"] == answer.status:
        return None
    says_why = isinstance(document.get("error", document.get("errorCode")), str)  # OAuth2's and OFREP's own errors
    return None if says_why else f"no problem: {told}"


def oddities(row: Row, call: Call, turn: int) -> Iterator[Odd]:
    method, path = row.operation.split(" ", 1)
    yield from of_headers(turn, reads=method == "GET")
    strict = not path.startswith("/health")  # load balancers add what they like
    yield from of_query(strict=strict)
    if row.answers["anonymous"] == "401":
        yield from of_cookies()
    if "json" in call.more:
        yield from of_json(call.more["json"])
    if "data" in call.more:
        yield from of_form(call.more["data"])


@pytest.mark.timeout(900)  # all eleven thousand requests take two minutes on a machine of its own
async def test_odd_requests_never_make_the_service_fail(place: Place) -> None:
    admin = place.holder("person: ADMIN")
    statuses: Counter[int] = Counter()
    per: Counter[str] = Counter()
    wrong: list[str] = []
    rows = {row.operation: row for row in reversed(read())}
    for turn, row in enumerate(sorted(rows.values(), key=lambda each: " /system/" in each.operation)):
        call = await place.world.call(row, row.states[0], admin, fresh=False)
        for odd in itertools.islice(oddities(row, call, turn), turn % SHARE, None, SHARE):
            answer = await asked(place, call, admin, odd)
            statuses[answer.status] += 1
            per[row.operation] += 1
            if (found := fault(odd, answer)) is not None:
                wrong.append(f"{row.operation}: {odd.what} -> {found}")
    print(f"\nodd requests: {statuses.total()} over {len(rows)} operations, {dict(sorted(statuses.items()))}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:60])
    assert min(per.values()) >= LEAST_PER_OPERATION


TYPES = ("text", "varchar(5)", "smallint", "integer", "bigint", "numeric", "numeric(6,2)", "real", "double precision",
         "boolean", "date", "time", "timestamp", "timestamptz", "uuid", "jsonb", "bytea")  # fmt: skip  # many to a line


def odd_values() -> Iterator[str]:
    """JSON texts of values that some column has to refuse."""
    yield from NUMBERS
    yield from ("[" * depth + "]" * depth for depth in (*range(900, 1_000, 9), *range(960, 1_010), 5_000, 100_000))
    yield from (
        "null",
        "true",
        "{}",
        "[]",
        '"\\u0000"',
        '"\\ud800"',
        '"\\\\x0"',
        '"\\\\xZZ"',
        '"nan"',
        '"1e400"',
        '"0x1p3"',
    )
    yield from ("[" * 50 + "]" * 50, '{"a":' * 50 + "1" + "}" * 50, json.dumps({"k" * 5_000: 1}), '{"a":1,"a":2}')
    yield from ('"24:00:00"', '"24:00:01"', '"23:59:60"', '"2026-02-29"', '"0000-00-00"', '"5874898-01-01"', '"BC"')
    yield from ('"{01890000-0000-7000-8000-000000000000}"', '"0189000000007000800000000000000"', '"yes"', '"\uff11"')
    yield from (json.dumps(text) for text in (*BEYOND, *ODD_TIMES, *TEXTS.values()))


async def test_odd_values_in_rows_are_stored_or_refused_row_by_row(place: Place) -> None:
    """Each row has exactly one verdict, whatever it holds, and what is stored can be read again."""
    admin = place.holder("person: ADMIN")
    columns = [{"name": f"c{number}", "type": type_} for number, type_ in enumerate(TYPES)]
    table = place.world.name("odd")
    base = contract(table)
    base["schema"]["columns"] += columns
    await place.world.as_admin("POST", "/api/contracts/register", 201, json=base)
    rows = [
        f'{{"id": {id_}, "at": "2026-01-01T00:00:00Z", "c{column}": {value}}}'
        for id_, (column, value) in enumerate((column, value) for column in range(len(TYPES)) for value in odd_values())
    ]
    sent = {"content": "\n".join(rows).encode(), "headers": {"Content-Type": "application/x-ndjson"}}
    call = Call("POST", f"/api/ingestion/{table}_v1/batches", sent)
    answer = await asked(place, call, admin, Odd("rows"))
    assert answer.status == 201, answer.body[:500]
    report = json.loads(answer.body)
    assert (report["rows"], sum(report["counts"].values())) == (len(rows), len(rows))
    assert min(report["counts"]["inserted"], report["counts"]["rejected"]) > len(rows) // 20, "both happen"
    change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "to be read"}
    await place.world.as_admin("POST", f"/api/tables/{table}/promote", json=change)
    read_again = [f"/api/tables/{table}/profile", f"/api/ingestion/batches/{report['id']}/quarantine?limit=500"]
    for path in read_again:
        await place.world.as_admin("GET", path)
    for form in ("application/json", "application/x-ndjson", "text/csv"):
        question = Call("POST", "/api/query/preview", {"json": {"sql": f"select * from {table} limit 5000"}})
        preview = (await place.world.send(question, admin)).json()
        asking = {"json": {"preview_id": preview["preview_id"]}, "headers": {"Accept": form}}
        found = await asked(place, Call("POST", "/api/query/execute", asking), admin, Odd("answer"))
        assert found.status == 200, (form, found.body[:500])
        if form == "application/json":
            assert len(json.loads(found.body)["rows"]) == report["counts"]["inserted"]
