"""The authorisation matrix holds: every operation, every identity, every state that a line names."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.kernel.embedded import ServerAddress
from tests.authorization.holders import Holder
from tests.authorization.matrix import COLUMNS, DENIALS, LISTED, Row, read
from tests.authorization.place import Place, opened
from tests.authorization.world import World
from tests.census import BOOKKEEPING, census, differences
from tests.operations_catalogue import CATALOGUE
from tests.operations_catalogue.operation import CLOSED_FOR_DATA, OWN_OF_PERSON

pytestmark = pytest.mark.slow

ROWS = read()
OPERATIONS = list(dict.fromkeys(row.operation for row in ROWS))
RECORDS = BOOKKEEPING | {"spyne.login_attempts", "spyne.revoked_tokens", "spyne.sessions"}
"""What may change on a refusal: records of refusals and of log-ins, their last use, the workers' own books."""

_asked: Counter[str] = Counter()


@pytest.fixture(scope="module")
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place
    print(f"\nauthorisation: {_asked.total()} requests, {dict(sorted(_asked.items()))}")


@asynccontextmanager
async def in_system_mode(world: World, state: str) -> AsyncIterator[None]:
    """Things are made while the platform is open; what is asked of them may come while it is closed."""
    if state != CLOSED_FOR_DATA:
        yield
        return
    await world.as_admin("PUT", "/system/mode", json={"mode": "READ_ONLY"})
    yield
    await world.as_admin("PUT", "/system/mode", json={"mode": "INGESTION_READY"})


def asking(place: Place, operation: str) -> Iterator[tuple[Row, str, Holder]]:
    """Who asks what: everybody of every line; of its further states, which are answered alike, people alone."""
    for row in (row for row in ROWS if row.operation == operation):
        for number, state in enumerate(row.states):
            for holder in place.holders:
                people = state == OWN_OF_PERSON or number > 0
                if not people or holder.name.startswith(("nobody", "person: ")):
                    yield row, state, holder


def fault(wanted: str, answer: httpx.Response, mark: str) -> str | None:
    """What is wrong with an answer, or None."""
    if wanted not in LISTED:
        return None if str(answer.status_code) == wanted else f"{answer.status_code} {answer.text[:200]}"
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    assert mark, "the call does not say by what its thing is known"
    return None if (mark in answer.text) is LISTED[wanted] else f"{mark} is {'not ' * LISTED[wanted]}there"


def test_there_is_a_line_for_every_operation_and_no_other(document: dict[str, Any]) -> None:
    documented = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert documented - set(OPERATIONS) == set(), "operations without a line in tests/authorization/matrix.txt"
    assert set(OPERATIONS) - documented == set(), "lines without an operation"
    assert set(OPERATIONS) ^ CATALOGUE.keys() == set(), "tests/operations_catalogue has a sound request of each"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_who_is_refused_changes_nothing(place: Place, operation: str) -> None:
    world, wrong = place.world, []
    denied = [each for each in asking(place, operation) if each[0].answer_to(each[2].column) in DENIALS]
    calls = [await world.call(row, state, holder, fresh=False) for row, state, holder in denied]
    before = await census(place.owner, RECORDS)
    for (row, state, holder), call in zip(denied, calls, strict=True):
        answer = await world.send(call, holder)
        _asked[str(answer.status_code)] += 1
        found = fault(row.answer_to(holder.column), answer, call.mark)
        if found is not None:
            wrong.append(f"{state}, {holder.name}: {row.answer_to(holder.column)} wanted, {found}")
    assert not wrong, "\n".join(wrong)
    assert differences(before, await census(place.owner, RECORDS)) == []


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_who_is_allowed_is_answered(place: Place, operation: str) -> None:
    world, wrong = place.world, []
    fresh = not operation.startswith("GET ")
    for row, state, holder in asking(place, operation):
        wanted = row.answer_to(holder.column)
        if wanted in DENIALS:
            continue
        call = await world.call(row, state, holder, fresh=fresh)
        async with in_system_mode(world, state):
            answer = await world.send(call, holder)
        _asked[str(answer.status_code)] += 1
        found = fault(wanted, answer, call.mark)
        if found is not None:
            wrong.append(f"{state}, {holder.name}: {wanted} wanted, {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("mode", ["read_only", "maintenance"])
async def test_what_is_closed_while_writes_are_stopped(place: Place, mode: str) -> None:
    """Everybody is answered 503 there, and nothing changes; the rest is answered as ever."""
    world, wrong = place.world, []
    asked: list[tuple[Row, str, Holder, Any]] = []
    for row in ROWS:
        for holder in (next(each for each in place.holders if each.column == column) for column in COLUMNS):
            shown = row.operation.startswith("GET ") or row.answer_to(holder.column) in DENIALS or mode in row.closed_in
            if shown and CLOSED_FOR_DATA not in row.states:
                asked.append((row, row.states[0], holder, await world.call(row, row.states[0], holder, fresh=False)))
    await place.switch(mode)
    try:
        before = await census(place.owner, RECORDS)
        for row, state, holder, call in asked:
            answer = await world.send(call, holder)
            _asked[str(answer.status_code)] += 1
            wanted = "503" if mode in row.closed_in else row.answer_to(holder.column)
            found = fault(wanted, answer, call.mark)
            if found is not None:
                wrong.append(f"{row.operation}, {state}, {holder.name}: {wanted} wanted, {found}")
        assert not wrong, "\n".join(wrong)
        assert differences(before, await census(place.owner, RECORDS)) == []
        for row in ROWS:  # what is open, and switches the modes or lets an admin in to do so
            if not row.closed_in and not row.operation.startswith("GET "):
                holder = next(each for each in place.holders if each.column == "ADMIN")
                answer = await world.send(await world.call(row, row.states[0], holder, fresh=False), holder)
                assert fault(row.answers["ADMIN"], answer, "") is None, (row.operation, answer.text)
    finally:
        await place.switch("normal")
