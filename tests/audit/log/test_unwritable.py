"""While the audit log cannot be written, nothing changes: every operation that would is answered 503, over the whole
document. The calls are those of the authorisation matrix, which has a sound one of every operation in every state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress
from tests.authorization.matrix import Row, read
from tests.authorization.place import Place, opened
from tests.census import census, differences

ROWS = [row for row in read() if not row.operation.startswith("GET ") and row.answers["ADMIN"][0] in "2s"]
OPERATIONS = list(dict.fromkeys(row.operation for row in ROWS))

UNAUDITED = {
    "POST /api/query/validate",
    "POST /api/audit/verify",
    "POST /system/retention/{category}/preview",
    "POST /ofrep/v1/evaluate/flags",
    "POST /ofrep/v1/evaluate/flags/{flag_key}",
}
"""They change nothing."""
UNCHANGED = {("DELETE /api/knowledge/documents/{id}", "removed")}
"""Done already: doing it again changes nothing."""
BY_THE_CLOCK = {"spyne.spyne_metrics"}
"""Written by a background task when its time has come, whatever is asked."""

_RAISE = (
    "CREATE FUNCTION public.no_audit() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'no audit' USING ERRCODE = '{}'; END $$;"
    "CREATE TRIGGER no_audit BEFORE INSERT ON spyne.audit_log FOR EACH ROW EXECUTE FUNCTION public.no_audit()"
)
_UNDO = "DROP TRIGGER no_audit ON spyne.audit_log; DROP FUNCTION public.no_audit()"
FAILURES = {
    "no privilege": ("REVOKE INSERT ON spyne.audit_log FROM spyne_app", "GRANT INSERT ON spyne.audit_log TO spyne_app"),
    "disk full": (_RAISE.format("53100"), _UNDO),
    "broken index": (_RAISE.format("XX002"), _UNDO),
    "refused by a rule": (_RAISE.format("23514"), _UNDO),
    "bad value": (_RAISE.format("22023"), _UNDO),
}
OTHER_WAYS = [how for how in FAILURES if how != "no privilege"]


@pytest.fixture(scope="module")
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


@asynccontextmanager
async def unwritable(owner: asyncpg.Connection, how: str) -> AsyncIterator[None]:
    broken, mended = FAILURES[how]
    await owner.execute(broken)
    try:
        yield
    finally:
        await owner.execute(mended)


def test_the_document_has_no_other_operation(document: dict[str, Any]) -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method != "get"
    }
    assert documented == set(OPERATIONS)


async def refused(place: Place, row: Row, state: str, how: str) -> str | None:
    """What is wrong with the answer to one call, or None."""
    admin = next(holder for holder in place.holders if holder.column == "ADMIN")
    call = await place.world.call(row, state, admin, fresh=True)
    before = await census(place.owner)
    async with unwritable(place.owner, how):
        answer = await place.world.send(call, admin)
    changed = [table for table in differences(before, await census(place.owner)) if table not in BY_THE_CLOCK]
    told = f"{row.operation} ({state}), {how}: {answer.status_code} {answer.text[:200]}"
    if changed:
        return f"{told} changed {changed}"
    if row.operation in UNAUDITED or (row.operation, state) in UNCHANGED:
        return None if answer.is_success else told
    if (answer.status_code, answer.json().get("code")) != (503, "audit-unavailable"):
        return told
    return None if answer.headers.get("Retry-After") else f"{told} without Retry-After"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_without_audit_there_is_no_change(place: Place, operation: str) -> None:
    wrong = []
    for row in ROWS:
        if row.operation == operation:
            for number, state in enumerate(row.states):
                # Every operation without the privilege, and in another way; all ways over a few operations.
                other = OTHER_WAYS[OPERATIONS.index(operation) % len(OTHER_WAYS)]
                ways = ["no privilege", other] if number == 0 else ["no privilege"]
                wrong += [fault for how in ways if (fault := await refused(place, row, state, how)) is not None]
    assert not wrong, "\n".join(wrong)
