"""Every operation asks for its own rights, and for each: without one of them all others do not help, nor one alone.

Keys narrowed to rights, not roles: no built-in role holds one right of two, or one of those that ADMIN alone has.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.ports.exports import ExportSources
from app.kernel.security.authorization import Permission
from app.main import create_app
from app.operations.deployment.routes import RouteFilter, index
from app.settings import Settings
from tests.authorization import place
from tests.authorization.holders import Holder
from tests.authorization.rights import ANY, OPEN, RIGHTS
from tests.authorization.world import Call, World, called
from tests.conftest import SECRET
from tests.identities import Identities
from tests.operations.exports.steps import made
from tests.operations_catalogue.operation import REASON
from tests.operations_catalogue.tables import known_table, table

FORBIDDEN, ABSENT, HIDDEN = "403", "404", "hidden"

EVERYTHING = frozenset(permission.value for permission in Permission)


@dataclass(frozen=True, slots=True)
class Need:
    """A request whose thing asks for more than the operation alone does, or that shows more to who holds a right."""

    operation: str
    """Method and path."""
    without: Mapping[str, str]
    """What is answered to who holds everything but this right, by the right."""
    state: str = ""
    """Of the thing, as matrix.txt names it; a sound request on it is asked."""
    call: Callable[["Keys"], Awaitable[Call]] | None = None
    """The request, where the catalogue of operations has none."""
    name: str = field(default="", compare=False)

    @property
    def declared(self) -> frozenset[str]:
        """The rights that the operation asks for whatever the thing."""
        return frozenset(right for right, those in RIGHTS.items() if self.operation in those) - {OPEN, ANY}


class Keys:
    """Keys of one client that is an ADMIN, each narrowed to some rights; and the things of the service."""

    def __init__(self, world: World, identities: Identities, client_id: UUID) -> None:
        self.world = world
        self._identities, self._client_id = identities, client_id
        self._made: dict[frozenset[str], Holder] = {}

    async def of(self, rights: frozenset[str]) -> Holder:
        """The key that gives these rights."""
        if rights not in self._made:
            key = await self._identities.key_of(self._client_id, sorted(rights))
            self._made[rights] = Holder(" ".join(sorted(rights)), "ADMIN", {"X-API-Key": key})
        return self._made[rights]


@pytest.fixture(scope="module")
async def keys(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keys]:
    async with place.world(server, template, tmp_path_factory.mktemp("home")) as (app, world):
        identities = Identities(app.state.resources)
        yield Keys(world, identities, await identities.client("ADMIN"))


def _promoting(from_state: str, to_state: str, *, dry_run: bool = False) -> Callable[[Keys], Awaitable[Call]]:
    async def call(keys: Keys) -> Call:
        name = await table(keys.world, from_state)
        change = REASON | {"from_state": from_state, "to_state": to_state, "dry_run": dry_run}
        return Call("POST", f"/api/tables/{name}/promote", {"json": change})

    return call


async def _rollback(keys: Keys) -> Call:
    """The first version takes the name back from the second."""
    name = await table(keys.world, "SHADOW beside ACTIVE")
    change = REASON | {"from_state": "SHADOW", "to_state": "ACTIVE"}
    await keys.world.as_admin("POST", f"/api/tables/{name}@2/promote", json=change)
    return Call("POST", f"/api/tables/{name}@1/promote", {"json": change | {"from_state": "DEPRECATED"}})


async def _overriding_joins(keys: Keys) -> Call:
    sql = f"select id from {await known_table(keys.world, 'ACTIVE')} limit 1"
    asked = {"sql": sql, "options": {"override_joins": "compared by hand, see the ticket"}}
    return Call("POST", "/api/query/preview", {"json": asked})


async def _file_of_a_table(keys: Keys) -> Call:
    wanted = {"job_type": "table", "filter_params": {"table": await known_table(keys.world, "ACTIVE")}}
    answer = await keys.world.as_holder("/system/exports/", wanted, await keys.of(EVERYTHING))
    assert answer.status_code == 202, answer.text
    await made(keys.world.resources, answer.json()["id"])
    return Call("GET", answer.json()["links"]["self"] + "/download")


async def _job_of_an_export(keys: Keys) -> Call:
    wanted = {"job_type": "table", "filter_params": {"table": await known_table(keys.world, "ACTIVE")}}
    answer = await keys.world.as_holder("/system/exports/", wanted, await keys.of(EVERYTHING))
    assert answer.status_code == 202, answer.text
    return Call("POST", answer.json()["links"]["job"] + "/cancel", {"json": REASON})


async def _sessions_of_all(_: Keys) -> Call:
    return Call("GET", "/api/sessions", {"params": {"all": "true"}})


async def _roles(_: Keys) -> Call:
    return Call("GET", "/api/roles", mark='"holders":{')


_PROMOTE, _NEW_EXPORT = "POST /api/tables/{table}/promote", "POST /system/exports/"
_BY_PROMOTING = {"tables:promote": FORBIDDEN, "tables:deprecate": FORBIDDEN}
_SEEING_SHADOW = {"tables:read": FORBIDDEN, "tables:read-shadow": ABSENT}
_ADDON = "/api/addons/requests/{request_id}"
_OF_ANOTHERS_ADDON = {"addons:request": FORBIDDEN, "addons:administer": FORBIDDEN}
_SOURCES = {
    "table": "tables:read",
    "query": "query:run",
    "audit_log": "audit:read",
    "users": "users:admin",
    "notifications": "system:read",
    "ingestion_history": "system:read",
    "quarantine": "system:read",
    "snapshot": "system:write",
}

NEEDS = {
    "promoting a new version": Need(_PROMOTE, {"tables:promote": FORBIDDEN}, "SHADOW"),
    "retiring by promoting": Need(_PROMOTE, _BY_PROMOTING, call=_promoting("ACTIVE", "DEPRECATED")),
    "dropping a new version by promoting": Need(_PROMOTE, _BY_PROMOTING, call=_promoting("SHADOW", "DEPRECATED")),
    "restoring by promoting": Need(_PROMOTE, _BY_PROMOTING, "DEPRECATED"),
    "restoring for reading by promoting": Need(_PROMOTE, _BY_PROMOTING, call=_promoting("DEPRECATED", "READ_ONLY")),
    "planning to restore by promoting": Need(
        _PROMOTE, _BY_PROMOTING, call=_promoting("DEPRECATED", "ACTIVE", dry_run=True)
    ),
    "rolling back by promoting": Need(_PROMOTE, _BY_PROMOTING, call=_rollback),
    "restoring": Need("POST /api/tables/{table}/restore", {"tables:deprecate": FORBIDDEN}, "DEPRECATED"),
    "deprecating": Need("POST /api/tables/{table}/deprecate", {"tables:deprecate": FORBIDDEN}, "ACTIVE"),
    "a new version": Need("GET /api/tables/{table}", _SEEING_SHADOW, "SHADOW"),
    "a new version's contract": Need(
        "GET /api/contracts/{contract_id}", {"contracts:read": FORBIDDEN, "tables:read-shadow": ABSENT}, "SHADOW"
    ),
    "a new version's profile": Need("GET /api/tables/{table}/profile", _SEEING_SHADOW, "SHADOW"),
    "new versions among all": Need(
        "GET /api/tables", {"tables:read": FORBIDDEN, "tables:read-shadow": HIDDEN}, "SHADOW"
    ),
    "overriding joins": Need(
        "POST /api/query/preview", {"query:run": FORBIDDEN, "query:override-joins": FORBIDDEN}, call=_overriding_joins
    ),
    "others' executions": Need(
        "GET /api/query/executions", {"query:run": FORBIDDEN, "audit:read": HIDDEN}, "another's"
    ),
    "others' corrections": Need(
        "GET /api/query/corrections", {"query:correct": FORBIDDEN, "glossary:write": HIDDEN}, "another's"
    ),
    "taking back another's correction": Need(
        "POST /api/query/corrections/{id}/revoke", {"query:correct": FORBIDDEN, "glossary:write": ABSENT}, "another's"
    ),
    **{
        f"exporting: {source}": Need(_NEW_EXPORT, {"exports:run": FORBIDDEN, right: FORBIDDEN}, source)
        for source, right in _SOURCES.items()
    },
    "downloading": Need(
        "GET /system/exports/{export_id}/download",
        {"exports:run": FORBIDDEN, "tables:read": FORBIDDEN},
        call=_file_of_a_table,
    ),
    "another's export": Need(
        "GET /system/exports/{export_id}", {"exports:run": FORBIDDEN, "system:read": ABSENT}, "another's"
    ),
    "others' exports": Need("GET /system/exports/", {"exports:run": FORBIDDEN, "system:read": HIDDEN}, "another's"),
    "cancelling another's export": Need(
        "POST /system/exports/{export_id}/cancel",
        {"exports:run": FORBIDDEN, "system:read": ABSENT, "system:write": FORBIDDEN},
        "another's",
    ),
    "removed knowledge": Need(
        "GET /api/knowledge/documents/{id}", {"knowledge:read": FORBIDDEN, "knowledge:manage": ABSENT}, "removed"
    ),
    "removed knowledge in the list": Need(
        "GET /api/knowledge/documents", {"knowledge:read": FORBIDDEN, "knowledge:manage": HIDDEN}, "removed"
    ),
    "another's job": Need("GET /system/jobs/{job_id}", {"system:read": ABSENT}, "another's"),
    "others' jobs": Need("GET /system/jobs", {"system:read": HIDDEN}, "another's"),
    "cancelling another's job": Need(
        "POST /system/jobs/{job_id}/cancel", {"system:read": ABSENT, "system:write": FORBIDDEN}, "another's"
    ),
    "cancelling the job of an export": Need(
        "POST /system/jobs/{job_id}/cancel", {"exports:run": FORBIDDEN}, call=_job_of_an_export
    ),
    "cancelling another's add-on request": Need(f"POST {_ADDON}/cancel", _OF_ANOTHERS_ADDON, "another's"),
    "retrying another's add-on request": Need(f"POST {_ADDON}/retry", _OF_ANOTHERS_ADDON, "another's"),
    "editing another's add-on": Need(f"POST {_ADDON}/revisions", _OF_ANOTHERS_ADDON, "another's"),
    "validating another's add-on": Need(f"POST {_ADDON}/validations", _OF_ANOTHERS_ADDON, "another's"),
    "everybody's sessions": Need("GET /api/sessions", {"users:admin": FORBIDDEN}, call=_sessions_of_all),
    "another's sessions": Need("GET /api/sessions", {"users:admin": FORBIDDEN}, "another's"),
    "ending another's session": Need("DELETE /api/sessions/{session_id}", {"users:admin": ABSENT}, "another's"),
    "another's password": Need("POST /api/users/{user_id}/password", {"users:admin": FORBIDDEN}, "another's"),
    "who holds roles": Need("GET /api/roles", {"users:admin": HIDDEN}, call=_roles),
}


def test_every_operation_asks_for_the_rights_that_are_written_down(tmp_path: Path) -> None:
    """Nothing but those: a right too many shuts out whom the operation is for."""
    app = create_app(Settings(home=tmp_path), DatabaseUrls("", "", ""), SECRET)
    asked: dict[str, set[str]] = {}
    for route in index(app.routes, RouteFilter()):
        rights = [OPEN] if route.permissions is None else [right.value for right in route.permissions] or [ANY]
        for right in rights:
            asked.setdefault(right, set()).add(f"{route.method} {route.path}")
    assert asked == RIGHTS


def test_every_source_of_exports_is_asked_for(keys: Keys) -> None:
    assert _SOURCES.keys() == set(keys.world.resources.extensions.of(ExportSources).names())


@pytest.mark.parametrize("name", NEEDS)
async def test_a_right_that_is_missing_is_missed_whatever_else_is_held(keys: Keys, name: str) -> None:
    need, wrong = NEEDS[name], []
    assert need.declared <= need.without.keys()
    if need.call is not None:
        call = await need.call(keys)
    else:
        call = called(
            need.operation, await keys.world.make(need.operation, need.state, await keys.of(EVERYTHING), fresh=True)
        )
    for right, wanted in need.without.items():
        holders = [await keys.of(EVERYTHING - {right})]
        holders += [await keys.of(frozenset({other})) for other in need.without if other != right]
        for holder, told in zip(holders, [wanted, *[None] * len(need.without)], strict=False):
            answer = await keys.world.send(call, holder)
            if not _refused(answer, call, told):
                wrong.append(f"{holder.name}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    answer = await keys.world.send(call, await keys.of(frozenset(need.without)))
    assert answer.is_success, answer.text
    assert call.mark in answer.text or HIDDEN not in need.without.values(), answer.text


def _refused(answer: httpx.Response, call: Call, wanted: str | None) -> bool:
    """Whether the answer is the wanted one; for None, any that shows or does nothing."""
    hidden = answer.status_code == 200 and bool(call.mark) and call.mark not in answer.text
    if wanted is None:
        return hidden or answer.status_code in {403, 404}
    return hidden if wanted == HIDDEN else str(answer.status_code) == wanted
