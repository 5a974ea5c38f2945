"""Things in every state that the matrix names, and a sound request of every operation on them."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from app.operations.flags.watch import FlagWatch
from tests.audit.logs import sealer
from tests.authorization.holders import Holder
from tests.authorization.matrix import ANONYMOUS, NO_TOKEN, Row
from tests.identities import PASSWORD
from tests.ingestion.steps import contract, ndjson
from tests.operations.exports.steps import made

REASON = {"reason": "the matrix wants it"}
NDJSON = {"Content-Type": "application/x-ndjson"}
ROWS = ndjson([(1, 0, 10), (2, 1, 20)])

CLOSED_FOR_DATA = "system mode READ_ONLY"
BESIDE = "SHADOW beside ACTIVE"
OWN = "own"
CONFIG_KEY = "query.preview-lifetime-seconds"
OWN_OF_PERSON = "a person's own"
"""Asked by people alone: services have none."""


def channel(name: str) -> dict[str, Any]:
    """A webhook of this name."""
    return {"name": name, "channel_type": "webhook", "target": "https://hooks.example.org/spyne"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request without its credential."""

    method: str
    path: str
    more: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    """What stands in the answer exactly when the thing is in it."""
    bare: bool = False
    """Sent without a credential by everybody: one is what it asks for."""


class World:
    """Makes things by the hands of an admin, and of whoever is to own them."""

    def __init__(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection, *people: str
    ) -> None:
        """Takes the names of two people: one who logs in, and one whose sessions are things to be ended."""
        self.admin = admin
        self.anonymous = anonymous
        self._owner = owner
        self._login, self._other = people
        self._numbers = itertools.count()
        self._kept: dict[tuple[str, str], str] = {}
        self.maintenance = "normal"

    async def call(self, row: Row, state: str, holder: Holder, *, fresh: bool) -> Call:
        """A sound request of the row's operation on a thing in this state.

        Args:
            row: names the operation.
            state: one of the row's.
            holder: who will send it; owns what is `own`.
            fresh: on a thing that no other call has, as the call will change it.
        """
        method, path = row.operation.split(" ", 1)
        made = await self.make(row.operation, state, holder, fresh=fresh)
        for name, value in made.ids.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, f"{row.operation}: its call does not say all of its ids"
        return Call(method, path, made.more, made.mark or next(iter(made.ids.values()), ""), made.bare)

    async def make(self, operation: str, state: str, holder: Holder, *, fresh: bool) -> "Made":
        """What a sound request of the operation consists of; see `call`."""
        return await CALLS[operation](_Place(self, state, holder, fresh=fresh))

    async def send(self, call: Call, holder: Holder) -> httpx.Response:
        more = dict(call.more)
        headers = ({} if call.bare else dict(holder.headers)) | more.pop("headers", {})
        return await self.anonymous.request(call.method, call.path, headers=headers, **more)

    async def as_admin(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.admin.request(method, path, **more)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json()

    async def kept(self, kind: str, key: str, make: Callable[[], Awaitable[str]], *, fresh: bool) -> str:
        """A thing of this kind, the same for the same key unless it is to be fresh."""
        if fresh:
            return await make()
        if (kind, key) not in self._kept:
            self._kept[kind, key] = await make()
        return self._kept[kind, key]

    def name(self, stem: str) -> str:
        return f"{stem}{next(self._numbers):05}"  # none is a part of another

    def window(self) -> dict[str, str]:
        """A maintenance window of the far future, which no other shares time with."""
        day = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(days=next(self._numbers))
        times = {"starts_at": day.isoformat(), "ends_at": (day + timedelta(hours=1)).isoformat()}
        return REASON | times | {"mode": "read_only"}

    def address(self) -> str:
        """An address that no call had before."""
        return f"2001:db8::{next(self._numbers):x}"

    async def table(self, state: str) -> str:
        """The name of a table of which one version, the only one, is in this state."""
        name = self.name("things")
        await self.as_admin("POST", "/api/contracts/register", 201, json=contract(name))
        first = "READ_ONLY" if state == "READ_ONLY" else "ACTIVE"
        if state not in {"SHADOW", CLOSED_FOR_DATA}:
            change = REASON | {"from_state": "SHADOW", "to_state": first}
            await self.as_admin("POST", f"/api/tables/{name}/promote", json=change)
        if state.startswith("DEPRECATED"):
            await self.as_admin("POST", f"/api/tables/{name}/deprecate", json=REASON)
        if state == BESIDE:
            await self.as_admin("POST", "/api/contracts/register", 201, json=contract(name))
        return name

    async def entry(self, *, sealed: bool) -> str:
        """The id of the newest row of the audit log."""
        await self.client()
        newest = (await self.as_admin("GET", "/api/audit?limit=1"))["items"][0]["id"]
        if sealed:
            transport: Any = self.admin._transport
            await sealer(transport.app.state.resources).seal_waiting()
        return str(newest)

    async def batch(self) -> str:
        name = await self.kept("table", "SHADOW", lambda: self.table("SHADOW"), fresh=False)
        path = f"/api/ingestion/{name}_v1/batches"
        return str((await self.as_admin("POST", path, 201, content=ROWS, headers=NDJSON))["id"])

    async def preview(self, holder: Holder | None) -> str:
        """A preview of the holder's own; of an admin's where it may have none."""
        name = await self.kept("table", "ACTIVE", lambda: self.table("ACTIVE"), fresh=False)
        asked = {"json": {"sql": f"select id from {name} limit 1"}}
        if holder is not None:
            answer = await self._made("/api/query/preview", asked, holder)
            if answer.status_code == 200:
                return str(answer.json()["preview_id"])
        return str((await self.as_admin("POST", "/api/query/preview", **asked))["preview_id"])

    async def _made(self, path: str, asked: dict[str, Any], holder: Holder) -> httpx.Response:
        headers = dict(holder.headers if holder.unhindered is None else holder.unhindered)
        return await self.anonymous.post(path, headers=headers, **asked)

    async def execution(self, holder: Holder | None) -> str:
        """The id of an execution of the holder's own; of an admin's where it may have none."""
        asked = {"json": {"preview_id": await self.preview(holder)}}
        if holder is not None:
            answer = await self._made("/api/query/execute", asked, holder)
            if answer.status_code == 200:
                return str(answer.json()["execution_id"])
        return str((await self.as_admin("POST", "/api/query/execute", **asked))["execution_id"])

    async def export(self, holder: Holder | None) -> str:
        """The id of a pending export of the holder's own; of an admin's where it may have none."""
        name = await self.kept("table", "ACTIVE", lambda: self.table("ACTIVE"), fresh=False)
        asked = {"json": {"job_type": "table", "filter_params": {"table": name}}}
        if holder is not None:
            answer = await self._made("/system/exports/", asked, holder)
            if answer.status_code == 202:
                return str(answer.json()["id"])
        return str((await self.as_admin("POST", "/system/exports/", 202, **asked))["id"])

    async def file(self, holder: Holder | None) -> str:
        """The id of such an export which is completed."""
        export_id = await self.export(holder)
        transport: Any = self.admin._transport
        await made(transport.app.state.resources, export_id)
        return export_id

    async def session_token(self) -> str:
        """A token of a fresh session of somebody who holds none of the other credentials."""
        answer = await self.anonymous.post("/api/auth/token", data=self.login | {"username": self._other})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def name_of(self, holder: Holder) -> str | None:
        """The name that a person logs in with; None for who has no valid credential."""
        answer = await self.anonymous.get("/api/auth/me", headers=dict(holder.headers))
        return str(answer.json()["name"]) if answer.status_code == 200 else None

    async def session(self, name: str | None = None) -> tuple[str, str]:
        """Ids of a person and of a fresh session: of whoever has the name, else of somebody who is no holder."""
        asked = {"username": name or self._other, "password": self.login["password"]}
        answer = await self.anonymous.post("/api/sessions", json=asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["user_id"]), str(answer.json()["id"])

    async def client(self) -> str:
        made = {"name": self.name("target"), "roles": ["VIEWER"]}
        return str((await self.as_admin("POST", "/api/clients", 201, json=made))["id"])

    async def channel(self) -> str:
        made = channel(self.name("channel"))
        return str((await self.as_admin("POST", "/system/notify/channels", 201, json=made))["id"])

    async def message(self) -> str:
        made = {"channel_id": await self.channel(), "subject": "Hello"}
        return str((await self.as_admin("POST", "/system/notify/", 202, json=made))["ids"][0])

    async def idle_category(self) -> str:
        """A category of which no run is under way: those that wait here for a worker are ended."""
        await self._owner.execute(
            "UPDATE spyne.retention_runs SET status = 'cancelled' WHERE status IN ('queued', 'running')"
        )
        return "query_executions"

    async def forget_rules(self) -> None:
        """No admin has decided how long anything is kept."""
        await self._owner.execute("DELETE FROM spyne.retention_rules")

    async def flag(self) -> str:
        """The key of a flag that evaluations know."""
        key = str((await self.as_admin("POST", "/system/flags", 201, json=flag(self.name("flag"))))["key"])
        transport: Any = self.admin._transport
        await transport.app.state.resources.build(FlagWatch).look()
        return key

    async def person(self) -> str:
        made = {"username": self.name("person"), "roles": ["VIEWER"]}
        return str((await self.as_admin("POST", "/api/users", 201, json=made))["id"])

    async def key(self, client: str) -> str:
        return str((await self.as_admin("POST", f"/api/clients/{client}/keys", 201, json={}))["id"])

    async def relation(self) -> str:
        """A relation that exists already, outside of Spyne's schemas."""
        name = self.name("legacy")
        await self._owner.execute(
            f"CREATE TABLE public.{name} (id int PRIMARY KEY); GRANT SELECT ON public.{name} TO spyne_app"
        )
        return name

    @property
    def login(self) -> dict[str, str]:
        return {"grant_type": "password", "username": self._login, "password": PASSWORD}


@dataclass(frozen=True, slots=True)
class Made:
    """What an operation's call is made of."""

    ids: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    mark: str = ""
    bare: bool = False


class _Place:
    """Where a call is to be made: things in the row's state, of the holder's."""

    def __init__(self, world: World, state: str, holder: Holder, *, fresh: bool) -> None:
        self.world = world
        self.state = state
        self.holder = holder
        self._fresh = fresh

    async def table(self) -> str:
        state = "SHADOW" if self.state == CLOSED_FOR_DATA else self.state
        return await self.world.kept("table", state, lambda: self.world.table(state), fresh=self._fresh)

    async def owned(self, kind: str, make: Callable[[Holder | None], Awaitable[str]]) -> str:
        """Something of the holder's own, or in all other states of another's."""
        whose = self.holder if self.state == OWN else None
        return await self.world.kept(kind, whose.name if whose else "", lambda: make(whose), fresh=self._fresh)

    async def kept(self, kind: str, make: Callable[[], Awaitable[str]]) -> str:
        return await self.world.kept(kind, "", make, fresh=self._fresh)


Making = Callable[[_Place], Awaitable[Made]]


async def _plain(_: _Place) -> Made:
    return Made()


async def _of_table(place: _Place) -> Made:
    table = await place.table()
    return Made({"table": table}, mark='"version":2' if place.state == BESIDE else "")


async def _of_contract(place: _Place) -> Made:
    return Made({"contract_id": f"{await place.table()}_v1", "version": "1"})


async def _tables(place: _Place) -> Made:
    name = await place.table()
    return Made(more={"params": {"search": name}}, mark=f'"{name}"')


async def _contracts(place: _Place) -> Made:
    name = await place.table()
    return Made(more={"params": {"table": name}}, mark=f'"{name}_v1"')


def _change(**body: Any) -> Making:
    async def made(place: _Place) -> Made:
        wanted = REASON | body
        if "to_state" in body:
            wanted |= {"from_state": place.state}
            wanted |= {"to_state": "READ_ONLY"} if place.state == "ACTIVE" else {}
        return Made({"table": await place.table()}, {"json": wanted})

    return made


async def _adoption(place: _Place) -> Made:
    return Made(more={"json": REASON | {"relations": [f"public.{await place.kept('relation', place.world.relation)}"]}})


async def _registration(place: _Place) -> Made:
    return Made(more={"json": contract(place.world.name("new"))})


async def _ingestion(place: _Place) -> Made:
    return Made({"contract_id": f"{await place.table()}_v1"}, {"content": ROWS, "headers": NDJSON})


async def _of_batch(place: _Place) -> Made:
    return Made({"batch_id": await place.kept("batch", place.world.batch)})


async def _batches(place: _Place) -> Made:
    return Made(mark=await place.kept("batch", place.world.batch))


async def _question(place: _Place) -> Made:
    table = await place.table()
    options = {"include_deprecated": [table]} if place.state == "DEPRECATED asked for" else {}
    return Made(more={"json": {"sql": f"select id from {table} limit 1", "options": options}}, mark=f'"name":"{table}"')


async def _of_preview(place: _Place) -> Made:
    return Made({"preview_id": await place.owned("preview", place.world.preview)})


async def _execution(place: _Place) -> Made:
    return Made(more={"json": {"preview_id": await place.owned("preview", place.world.preview)}})


async def _executions(place: _Place) -> Made:
    return Made(mark=await place.owned("execution", place.world.execution))


async def _log_in(place: _Place) -> Made:
    return Made(more={"data": place.world.login}, bare=True)


async def _browser_log_in(place: _Place) -> Made:
    form = place.world.login
    return Made(more={"json": {"username": form["username"], "password": form["password"]}}, bare=True)


async def _log_out(place: _Place) -> Made:
    """With a token of its own for each, since the holders' are needed still."""
    if place.holder.column in {ANONYMOUS, NO_TOKEN}:
        return Made()
    return Made(more={"headers": {"Authorization": f"Bearer {await place.world.session_token()}"}}, bare=True)


async def _sessions(place: _Place) -> Made:
    if place.state == OWN:
        return Made()
    user_id, session_id = await place.world.session()
    return Made(more={"params": {"user_id": user_id}}, mark=session_id)


async def _of_session(place: _Place) -> Made:
    name = await place.world.name_of(place.holder) if place.state == OWN_OF_PERSON else None
    _, session_id = await place.world.session(name)
    return Made({"session_id": session_id})


async def _clients(place: _Place) -> Made:
    return Made(mark=await place.kept("client", place.world.client))


async def _users(place: _Place) -> Made:
    return Made(mark=await place.kept("person", place.world.person))


async def _new_user(place: _Place) -> Made:
    return Made(more={"json": {"username": place.world.name("fresh"), "roles": ["VIEWER"]}})


def _of_user(**more: Any) -> Making:
    async def made(place: _Place) -> Made:
        return Made({"user_id": await place.kept("person", place.world.person)}, more)

    return made


async def _new_client(place: _Place) -> Made:
    return Made(more={"json": {"name": place.world.name("fresh"), "roles": ["VIEWER"]}})


async def _new_key(place: _Place) -> Made:
    return Made({"client_id": await place.kept("client", place.world.client)}, {"json": {}})


def _of_client(**more: Any) -> Making:
    async def made(place: _Place) -> Made:
        return Made({"client_id": await place.kept("client", place.world.client)}, more)

    return made


async def _rotation(place: _Place) -> Made:
    return Made((await _of_key(place)).ids, {"json": {}})


async def _of_key(place: _Place) -> Made:
    client = await place.kept("client", place.world.client)
    return Made({"client_id": client, "key_id": await place.kept("key", lambda: place.world.key(client))})


async def _verification(_: _Place) -> Made:
    return Made(more={"json": {}})


async def _of_entry(place: _Place) -> Made:
    sealed = place.state == "sealed"
    entry = await place.world.kept("audit entry", place.state, lambda: place.world.entry(sealed=sealed), fresh=False)
    return Made({"entry_id": entry})


async def _system_mode(place: _Place) -> Made:
    return Made(more={"json": {"mode": "READ_ONLY" if place.state == CLOSED_FOR_DATA else "INGESTION_READY"}})


async def _maintenance(place: _Place) -> Made:
    return Made(more={"json": {"mode": place.world.maintenance, "reason": "as it is"}})


async def _new_window(place: _Place) -> Made:
    return Made(more={"json": place.world.window()})


async def _of_window(place: _Place) -> Made:
    made = await place.world.as_admin("POST", "/system/maintenance/windows", 201, json=place.world.window())
    return Made({"window_id": made["id"]})


def _of_config_key(**more: Any) -> Making:
    async def made(place: _Place) -> Made:
        await place.world.as_admin("PUT", f"/system/config/{CONFIG_KEY}", json={"value": 600})
        return Made({"config_key": CONFIG_KEY}, more)

    return made


def _as_it_is(path: str) -> Making:
    async def made(place: _Place) -> Made:
        return Made(more={"json": await place.world.as_admin("GET", f"/system/security/{path}")})

    return made


async def _new_block(place: _Place) -> Made:
    return Made(more={"json": REASON | {"kind": "address", "target": place.world.address()}})


async def _of_block(place: _Place) -> Made:
    body = (await _new_block(place)).more
    return Made({"block_id": (await place.world.as_admin("POST", "/system/security/blocks", 201, **body))["id"]})


async def _new_action(place: _Place) -> Made:
    return Made(more={"json": REASON | {"kind": "block", "target": place.world.address()}})


async def _of_action(place: _Place) -> Made:
    body = (await _new_action(place)).more
    return Made({"action_id": (await place.world.as_admin("POST", "/system/security/actions", 201, **body))["id"]})


async def _new_channel(place: _Place) -> Made:
    return Made(more={"json": channel(place.world.name("channel"))})


def _of_channel(**more: Any) -> Making:
    async def made(place: _Place) -> Made:
        return Made({"channel_id": await place.kept("channel", place.world.channel)}, more)

    return made


async def _new_message(place: _Place) -> Made:
    channel_id = await place.kept("channel", place.world.channel)
    return Made(more={"json": {"channel_id": channel_id, "subject": "Hello", "payload": {"a": 1}}})


async def _recovery(place: _Place) -> Made:
    channel_id = await place.kept("channel", place.world.channel)
    return Made(more={"json": {"channel_id": channel_id, "since": "2026-01-01T00:00:00Z"}})


async def _of_message(place: _Place) -> Made:
    return Made({"message_id": await place.kept("message", place.world.message)})


NOTIFICATION_CALLS: dict[str, Making] = {
    "GET /system/notify/channels": _plain,
    "POST /system/notify/channels": _new_channel,
    "GET /system/notify/channels/{channel_id}": _of_channel(),
    "PATCH /system/notify/channels/{channel_id}": _of_channel(json={"description": "other"}),
    "DELETE /system/notify/channels/{channel_id}": _of_channel(),
    "POST /system/notify/channels/{channel_id}/test": _of_channel(),
    "POST /system/notify/channels/{channel_id}/rotate-secret": _of_channel(json={}),
    "GET /system/notify/": _plain,
    "POST /system/notify/": _new_message,
    "POST /system/notify/recover": _recovery,
    "GET /system/notify/{message_id}": _of_message,
    "POST /system/notify/{message_id}/retry": _of_message,
}


async def _new_export(place: _Place) -> Made:
    table = await place.world.kept("table", "ACTIVE", lambda: place.world.table("ACTIVE"), fresh=False)
    params: dict[str, dict[str, str]] = {"table": {"table": table}}
    if place.state == "query":
        params["query"] = {"preview_id": await place.world.preview(place.holder)}
    form = "tar" if place.state == "snapshot" else "ndjson"
    wanted = {"job_type": place.state, "filter_params": params.get(place.state, {}), "format": form}
    return Made(more={"json": wanted})


async def _exports(place: _Place) -> Made:
    return Made(more={"params": {"limit": 500}}, mark=await place.owned("export", place.world.export))


def _of_export(**more: Any) -> Making:
    async def made_of(place: _Place) -> Made:
        return Made({"export_id": await place.owned("export", place.world.export)}, more)

    return made_of


async def _of_file(place: _Place) -> Made:
    return Made({"export_id": await place.owned("file", place.world.file)})


EXPORT_CALLS: dict[str, Making] = {
    "GET /system/exports/": _exports,
    "POST /system/exports/": _new_export,
    "GET /system/exports/{export_id}": _of_export(),
    "GET /system/exports/{export_id}/download": _of_file,
    "POST /system/exports/{export_id}/status": _of_export(json={"from_status": "pending", "to_status": "running"}),
    "POST /system/exports/{export_id}/cancel": _of_export(),
}


async def _retention_run(place: _Place) -> Made:
    """Another category for each, as a run that waits keeps others of its category out."""
    return Made({"category": await place.world.idle_category()}, {"json": {}})


async def _of_retention_run(place: _Place) -> Made:
    category = "quarantine"
    run = {"json": {"dry_run": True}}
    path = f"/system/retention/{category}/run"
    return Made({"category": category, "run_id": (await place.world.as_admin("POST", path, 200, **run))["id"]})


async def _open_retention_run(place: _Place) -> Made:
    category = await place.world.idle_category()
    run = await place.world.as_admin("POST", f"/system/retention/{category}/run", 202, json={})
    return Made({"category": category, "run_id": run["id"]})


async def _of_hold(place: _Place) -> Made:
    path = "/system/retention/quarantine/holds"
    return Made(
        {"category": "quarantine", "hold_id": (await place.world.as_admin("POST", path, 201, json=REASON))["id"]}
    )


def _of_category(**more: Any) -> Making:
    async def made(_: _Place) -> Made:
        return Made({"category": "quarantine"}, more)

    return made


def flag(key: str) -> dict[str, Any]:
    """A flag of this key, which is off."""
    return {
        "key": key,
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default_variant": "off",
        "off_variant": "off",
    }


async def _new_flag(place: _Place) -> Made:
    return Made(more={"json": flag(place.world.name("flag"))})


def _of_flag(**more: Any) -> Making:
    async def made(place: _Place) -> Made:
        return Made({"flag_key": await place.kept("flag", place.world.flag)}, more)

    return made


async def _new_rule(place: _Place) -> Made:
    """Of a category without a rule, so that it is made."""
    await place.world.forget_rules()
    return Made(more={"json": {"category": "quarantine", "days_to_keep": 90}})


RETENTION_CALLS: dict[str, Making] = {
    "GET /system/retention/": _plain,
    "POST /system/retention/": _new_rule,
    "GET /system/retention/{category}": _of_category(),
    "POST /system/retention/{category}/preview": _of_category(params={"days_to_keep": 30}),
    "POST /system/retention/{category}/run": _retention_run,
    "GET /system/retention/{category}/runs": _of_category(),
    "GET /system/retention/{category}/runs/{run_id}": _of_retention_run,
    "POST /system/retention/{category}/runs/{run_id}/cancel": _open_retention_run,
    "POST /system/retention/{category}/holds": _of_category(json=REASON),
    "GET /system/retention/{category}/holds": _of_category(),
    "DELETE /system/retention/{category}/holds/{hold_id}": _of_hold,
}


async def _evaluation(_: _Place) -> Made:
    return Made(more={"json": {"context": {"targetingKey": "somebody"}}})


FLAG_CALLS: dict[str, Making] = {
    "GET /system/flags": _plain,
    "POST /system/flags": _new_flag,
    "GET /system/flags/{flag_key}": _of_flag(),
    "PATCH /system/flags/{flag_key}": _of_flag(json={"description": "other"}),
    "POST /ofrep/v1/evaluate/flags": _evaluation,
    "POST /ofrep/v1/evaluate/flags/{flag_key}": _of_flag(json={"context": {"targetingKey": "somebody"}}),
}


async def _new_honeypot(place: _Place) -> Made:
    return Made(more={"json": {"kind": "route", "label": "decoy", "path": "/" + place.world.name("decoy")}})


async def _of_honeypot(place: _Place) -> Made:
    body = (await _new_honeypot(place)).more
    return Made({"honeypot_id": (await place.world.as_admin("POST", "/system/security/honeypots", 201, **body))["id"]})


CALLS: dict[str, Making] = {
    **NOTIFICATION_CALLS,
    **EXPORT_CALLS,
    **RETENTION_CALLS,
    **FLAG_CALLS,
    "GET /system/security/policy": _plain,
    "PUT /system/security/policy": _as_it_is("policy"),
    "GET /system/security/rate-limits": _plain,
    "PUT /system/security/rate-limits": _as_it_is("rate-limits"),
    "GET /system/security/responses": _plain,
    "PUT /system/security/responses": _as_it_is("responses"),
    "GET /system/security/blocks": _plain,
    "POST /system/security/blocks": _new_block,
    "DELETE /system/security/blocks/{block_id}": _of_block,
    "GET /system/security/events": _plain,
    "GET /system/security/actions": _plain,
    "POST /system/security/actions": _new_action,
    "POST /system/security/actions/{action_id}/undo": _of_action,
    "GET /system/security/honeypots": _plain,
    "POST /system/security/honeypots": _new_honeypot,
    "DELETE /system/security/honeypots/{honeypot_id}": _of_honeypot,
    "GET /api/tables": _tables,
    "GET /api/tables/{table}": _of_table,
    "GET /api/tables/{table}/state": _of_table,
    "GET /api/tables/{table}/history": _of_table,
    "GET /api/tables/{table}/versions": _of_table,
    "GET /api/tables/{table}/profile": _of_table,
    "POST /api/tables/adopt": _adoption,
    "POST /api/tables/{table}/promote": _change(to_state="ACTIVE"),
    "POST /api/tables/{table}/deprecate": _change(),
    "POST /api/tables/{table}/restore": _change(),
    "GET /api/contracts": _contracts,
    "GET /api/contracts/{contract_id}": _of_contract,
    "GET /api/contracts/{contract_id}/schema": _of_contract,
    "GET /api/contracts/{contract_id}/schema/{version}": _of_contract,
    "GET /api/contracts/{contract_id}/diff": _of_contract,
    "GET /api/contracts/{contract_id}/odcs": _of_contract,
    "POST /api/contracts/register": _registration,
    "POST /api/ingestion/{contract_id}/batches": _ingestion,
    "GET /api/ingestion/batches": _batches,
    "GET /api/ingestion/batches/{batch_id}": _of_batch,
    "GET /api/ingestion/batches/{batch_id}/quarantine": _of_batch,
    "POST /api/query/validate": _question,
    "POST /api/query/preview": _question,
    "GET /api/query/previews/{preview_id}": _of_preview,
    "POST /api/query/execute": _execution,
    "GET /api/query/executions": _executions,
    "POST /api/auth/token": _log_in,
    "GET /api/auth/.well-known/jwks.json": _plain,
    "GET /api/auth/oidc/login": _plain,
    "GET /api/auth/oidc/callback": _plain,
    "GET /api/auth/me": _plain,
    "GET /api/users": _users,
    "POST /api/users": _new_user,
    "GET /api/users/{user_id}": _of_user(),
    "PATCH /api/users/{user_id}": _of_user(json={"display_name": "Somebody"}),
    "DELETE /api/users/{user_id}": _of_user(),
    "PUT /api/users/{user_id}/roles": _of_user(json={"roles": ["ANALYST"]}),
    "POST /api/users/{user_id}/password": _of_user(json={}),
    "GET /api/roles": _plain,
    "POST /api/auth/logout": _log_out,
    "POST /api/sessions": _browser_log_in,
    "GET /api/sessions": _sessions,
    "DELETE /api/sessions/{session_id}": _of_session,
    "GET /api/clients": _clients,
    "POST /api/clients": _new_client,
    "POST /api/clients/{client_id}/keys": _new_key,
    "GET /api/clients/{client_id}": _of_client(),
    "PATCH /api/clients/{client_id}": _of_client(json={"description": "other"}),
    "POST /api/clients/{client_id}/keys/{key_id}/rotate": _rotation,
    "DELETE /api/clients/{client_id}/keys/{key_id}": _of_key,
    "GET /api/audit": _plain,
    "GET /api/audit/checkpoint": _plain,
    "POST /api/audit/verify": _verification,
    "GET /api/audit/{entry_id}": _of_entry,
    "GET /api/audit/{entry_id}/proof": _of_entry,
    "GET /system/mode": _plain,
    "PUT /system/mode": _system_mode,
    "GET /system/maintenance": _plain,
    "PUT /system/maintenance": _maintenance,
    "GET /system/maintenance/windows": _plain,
    "POST /system/maintenance/windows": _new_window,
    "DELETE /system/maintenance/windows/{window_id}": _of_window,
    "GET /system/config": _plain,
    "GET /system/config/{config_key}": _of_config_key(),
    "PUT /system/config/{config_key}": _of_config_key(json={"value": 600}),
    "DELETE /system/config/{config_key}": _of_config_key(),
    "GET /system/config/{config_key}/history": _of_config_key(),
    "POST /system/config/{config_key}/revert": _of_config_key(json={"version": 1}),
    "GET /system/deployment": _plain,
    "GET /system/routes": _plain,
    "GET /system/dashboard": _plain,
    "GET /health": _plain,
    "GET /health/live": _plain,
    "GET /health/ready": _plain,
}
"""How a sound request of each operation is made; an operation that is missing here fails the suite."""
