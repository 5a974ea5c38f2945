"""The workflow over HTTP: every role and relation, in every status, by every action; answered as the table says."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.addons.package.archives import write_archive
from app.addons.requests.tracking.workflow import RequestStatus
from tests.addons.requests.steps import REASON, ROOT, sampled, shown
from tests.addons.requests.tracking.test_workflow import MAY, WAYS
from tests.conftest import ClientOf
from tests.operations_catalogue.addons import form, package

ACTIONS = ("submit", "approve", "reject", "cancel", "retry", "revise")
HIDDEN, SHUT_OUT = 404, 403

WHO: dict[str, tuple[tuple[str, ...], bool, set[str]]] = {
    "the requestor": (("REQUESTOR",), True, {"requestor"}),
    "the requestor, approver too": (("REQUESTOR", "APPROVER"), True, {"requestor"}),
    "the requestor, ADMIN too": (("ADMIN",), True, {"requestor", "administrator"}),
    "another requestor": (("REQUESTOR",), False, set()),
    "an approver": (("APPROVER",), False, {"approver"}),
    "a requestor and approver": (("REQUESTOR", "APPROVER"), False, {"approver"}),
    "an ADMIN": (("ADMIN",), False, {"approver", "administrator"}),
    "a viewer": (("VIEWER",), False, set()),
}
"""Roles, whether the request is their own, and what they are to it."""
PACKAGE = write_archive(package())
SUCCESS = {"submit": 200, "approve": 200, "reject": 200, "cancel": 200, "retry": 200, "revise": 201}


def wanted(roles: tuple[str, ...], parties: set[str], status: str, action: str) -> tuple[int, str | None]:
    """The answer, and the status afterwards if it changes; from the table as it is written down beside the code."""
    needed = {"APPROVER", "ADMIN"} if action in {"approve", "reject"} else {"REQUESTOR", "ADMIN"}
    if not needed & set(roles):
        return SHUT_OUT, None
    if not parties and not {"APPROVER", "ADMIN"} & set(roles):
        return HIDDEN, None
    if not parties & MAY[action]:
        return SHUT_OUT, None
    way = next((way for way in WAYS[action].split() if way.startswith(f"{status}>")), None)
    return (409, None) if way is None else (SUCCESS[action], way.partition(">")[2])


async def ask(client: httpx.AsyncClient, request_id: str, action: str) -> httpx.Response:
    if action == "revise":
        return await client.post(f"{ROOT}/{request_id}/revisions", **form(PACKAGE))
    more: dict[str, Any] = {} if action == "submit" else {"json": REASON}
    return await client.post(f"{ROOT}/{request_id}/{action}", **more)


@pytest.mark.parametrize("name", WHO)
async def test_everybody_is_answered_as_the_table_says(
    as_role: ClientOf, admin: httpx.AsyncClient, owner: asyncpg.Connection, name: str
) -> None:
    roles, own, parties = WHO[name]
    client, other = await as_role(*roles), await as_role("REQUESTOR")
    requestor = client if own else other
    wanted_name = {"title": "T", "source_description": "S", "addon_name": "acme-vpn"}
    request_id = (await requestor.post(ROOT, json=wanted_name)).json()["id"]
    await sampled(requestor, request_id)
    wrong = []
    for status in RequestStatus:
        for action in ACTIONS:
            await owner.execute("UPDATE spyne.addon_requests SET status = $2 WHERE id = $1", UUID(request_id), status)
            answer = await ask(client, request_id, action)
            code, after = wanted(roles, parties, status, action)
            now = (await shown(admin, request_id))["status"]
            if answer.status_code != code or now != (after or status):
                wrong.append(f"{status} {action}: {code} {after or status} wanted, {answer.status_code} {now}")
            if own and "APPROVER" in roles and action in {"approve", "reject"}:
                assert answer.json()["code"] == "own-request"
    assert not wrong, "\n".join(wrong)
