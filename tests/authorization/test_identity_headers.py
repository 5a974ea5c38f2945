"""Headers by which a client says who it is change nothing: not a byte of any answer, for nobody and for a VIEWER."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from app.kernel.embedded import ServerAddress
from tests.authorization.holders import Holder
from tests.authorization.matrix import read
from tests.authorization.place import Place, opened
from tests.authorization.world import Call
from tests.middleware.test_headers import IDENTITY

CLAIMS = {
    "X-User-Role": "ADMIN",
    "X-USER-ROLE": "admin",
    "x_user_role": "ADMIN",
    "X-User-Roles": "ADMIN,ENGINEER",
    "X-User": "{admin}",
    "X-User-Id": "{id}",
    "X-Username": "{admin}",
    "X-Roles": '["ADMIN"]',
    "X-Permissions": "users:admin system:write audit:read",
    "X-Scopes": "users:admin system:write audit:read",
    "X-Forwarded-User": "{admin}",
    "X-Forwarded-Preferred-Username": "{admin}",
    "X-Forwarded-Groups": "ADMIN",
    "X-Forwarded-Access-Token": "{token}",
    "Remote-User": "{admin}",
    "REMOTE_USER": "{admin}",
    "Remote-Groups": "ADMIN",
    "X-Remote-User": "{admin}",
    "X-Auth-Request-User": "{admin}",
    "X-Authenticated-Userid": "{id}",
    "X-WEBAUTH-USER": "{admin}",
    "X-MS-CLIENT-PRINCIPAL-NAME": "{admin}",
    "X-Goog-Authenticated-User-Email": "accounts.google.com:{admin}",
    "X-Amzn-Oidc-Identity": "{id}",
    "Cf-Access-Authenticated-User-Email": "{admin}",
    "X-Consumer-Username": "{admin}",
    "Impersonate-User": "{admin}",
    "X-On-Behalf-Of": "{admin}",
    "X-Spyne-Actor": "user:{id}",
    "X-Original-URL": "/api/clients",
    "X-Rewrite-Url": "/api/audit",
    "X-HTTP-Method-Override": "DELETE",
    "X-Client-Dn": "CN={admin}",
    "Tailscale-User-Login": "{admin}",
    "SM_USER": "{admin}",
}
"""Spellings, with what would make somebody believe them."""

TOGETHER = dict.fromkeys(IDENTITY, "ADMIN")

TURNS = 9
"""Every operation is asked with all claims at once, and by turns with each ninth alone."""

WRITES = (
    "POST /api/contracts/register",
    "POST /api/query/validate",
    "POST /api/clients",
    "POST /api/tables/{table}/promote",
    "PUT /system/maintenance",
)

LIMITED = "GET /api/auth/oidc/"
"""Log-ins are limited to so many in a minute that one identity alone can be tried with every header."""

SAME = {"X-Request-ID": "0189aaaa-0000-7000-8000-00000000abcd", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
"""What would differ between two requests anyhow."""
MOMENT = re.compile(r'"time":"[^"]+"')
COUNTED = frozenset({"date", "ratelimit", "ratelimit-policy", "server-timing"})
"""Headers that tell of the moment, or of how many requests came before."""


@pytest.fixture
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


def shown(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in COUNTED)
    return answer.status_code, headers, MOMENT.sub('"time":0', answer.text)


async def test_claims_change_nothing(place: Place) -> None:
    admin = place.holder("person: ADMIN")
    me = (await place.world.send(Call("GET", "/api/auth/me"), admin)).json()
    facts = {"admin": me["name"], "id": me["id"], "token": admin.headers["Authorization"].removeprefix("Bearer ")}
    together = {name: value.format(**facts) for name, value in CLAIMS.items()}
    claims = [{name: value} for name, value in together.items()]
    assert len({name.lower().replace("_", "-") for name in CLAIMS}) >= 20
    requests = believed = 0
    for turn, row in enumerate(read()):
        if not row.operation.startswith("GET ") and row.operation not in WRITES:
            continue
        holders = [place.holder("nobody"), place.holder("person: VIEWER")]
        for holder in holders[:1] if row.operation.startswith(LIMITED) else holders:
            call = await place.world.call(row, row.states[0], holder, fresh=False)
            plain = await asked(place, call, holder, {})
            assert shown(plain) == shown(await asked(place, call, holder, {})), "the comparison is a sound one"
            for claim in [*claims[turn % TURNS :: TURNS], together, TOGETHER]:
                answer = await asked(place, call, holder, claim)
                assert shown(answer) == shown(plain), (row.operation, holder.name, claim)
                requests += 1
            believed += plain.status_code != (await asked(place, call, admin, {})).status_code
    assert believed >= 20, "there is something to be gained"
    print(f"\nidentity headers: {requests} requests, {len(CLAIMS) + len(TOGETHER)} spellings")


async def asked(place: Place, call: Call, holder: Holder, claim: dict[str, str]) -> httpx.Response:
    more = dict(call.more)
    headers = dict(holder.headers) | more.pop("headers", {}) | SAME | claim
    return await place.world.anonymous.request(call.method, call.path, headers=headers, **more)
