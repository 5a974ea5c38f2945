"""The OpenAPI document is true: whatever Schemathesis makes of it is answered as the document says, and never by a 5xx.

Cases come from the document's schemas, from the bounds of these schemas and, so that not everything is a 404, from
things that exist. Nothing is left out, and no failure is passed over. More cases of each operation:

    SPYNE_TEST_SCHEMATHESIS=2 python -m pytest -n 0 -s tests/test_schemathesis.py
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote

import asyncpg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SanitizationConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.meta import CoverageScenario
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.prepare import prepare_request
from schemathesis.transport.serialization import Binary

from app.kernel.embedded import ServerAddress
from tests.authorization.holders import Holder
from tests.authorization.matrix import read
from tests.authorization.place import Place, opened
from tests.middleware.asgi import Answer, scope
from tests.operations_catalogue.login import session_token
from tests.operations_catalogue.operation import OWN

pytestmark = pytest.mark.slow

BASE = "http://spyne.test"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
USERS = ("person: ADMIN", "person: ENGINEER")

PLAIN = 1
"""Place of the case that comes on a thing that exists, with a sound body, without conditions: it should succeed."""
TIMES = int(os.environ.get("SPYNE_TEST_SCHEMATHESIS", "1"))
FITTING, UNFIT = 5 * TIMES, 2 * TIMES
"""Cases of an operation that Hypothesis draws: within what the document allows, and beside it."""
ON_EDGE, BEYOND, METHODS = 5 * TIMES, 3 * TIMES, 1
"""Cases of an operation on the bounds which the document states: within, beyond, and with another method."""

FORBIDDEN = 3
"""Cases of an operation that a user asks who may not use it: the body is not looked at."""

SETTINGS = (
    "system_config",
    "maintenance_windows",
    "configuration_versions",
    "security_rate_rules",
    "security_blocks",
    "security_responses",
    "security_honeypots",
    "feature_flags",
)
"""Tables that hold how the service is run: what operations of `/system` change is undone after each request."""

UPLOAD = "multipart/form-data"
LEAVING = "POST /api/auth/logout"
"""Asked with a token of its own each time, which is worth nothing afterwards."""

schemathesis.serializer.alias(
    ["application/x-ndjson", "application/vnd.apache.parquet", "text/csv"], "application/octet-stream"
)


@pytest.fixture
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


@pytest.fixture
async def superuser(server: ServerAddress, place: Place) -> AsyncIterator[asyncpg.Connection]:
    """Undoes what was decided, without the rules of tables that refer to each other."""
    database = await place.owner.fetchval("SELECT current_database()")
    connection = await asyncpg.connect(**server.connect_kwargs(database))
    yield connection
    await connection.close()


@dataclass
class Known:
    """Ids that exist, and bodies that the service would take, by operation."""

    paths: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    bodies: dict[str, list[tuple[str | None, Any]]] = field(default_factory=dict)
    """With the media type, where that is not the only one which the operation takes."""

    async def learn(self, place: Place, holder: Holder) -> None:
        """Make some of everything that the matrix has in a state in which an ADMIN's call is taken."""
        for row in read():
            if not row.takes("ADMIN") or (row.states == (OWN,) and not row.takes(holder.column)):
                continue  # who may own nothing is given an ADMIN's, which may be open to its owner alone
            fresh = not row.operation.startswith("GET ")
            for state in row.states:
                made = await place.world.make(row.operation, state, holder, fresh=fresh)
                ids = {name: id_ for name, id_ in made.ids.items() if f"{{{name}}}" in row.operation}
                if ids:
                    self.paths.setdefault(row.operation, []).append(ids)
                media = "application/json" if "json" in made.more else made.more.get("headers", {}).get("Content-Type")
                bodies = [(media, _text(made.more[form])) for form in ("json", "data", "content") if form in made.more]
                if made.form is not None:
                    bodies = [(UPLOAD, made.form)]
                elif media is not None and media.startswith(UPLOAD):
                    bodies = [(UPLOAD, {"file": _file(media, made.more["content"])})]
                self.bodies.setdefault(row.operation, []).extend(bodies)

    def met(self, cases: Iterable[Any]) -> Iterator[Any]:
        """The cases, most of them on things that exist, where this is not what is wrong with a case."""
        for number, case in enumerate(cases):
            paths, bodies = self.paths.get(case.operation.label), self.bodies.get(case.operation.label)
            if paths and number % 5 and _is_fit(case, ParameterLocation.PATH):
                case.path_parameters = case.path_parameters | paths[number % len(paths)]
            if bodies and number % 2 and _is_fit(case, ParameterLocation.BODY):
                media, case.body = bodies[number % len(bodies)]
                case.media_type = media or case.media_type
            if number == PLAIN and _is_fit(case, ParameterLocation.HEADER):
                case.headers.clear()  # conditions that nothing could meet would refuse a sound request
            if number % 4 and _is_fit(case, ParameterLocation.QUERY):
                case.query.pop("cursor", None)  # one that nobody was given is refused, whatever it looks like
                if "page_size" in case.query:
                    case.query.pop("limit", None)  # the same by another name: both at once are refused
            yield case


def _file(media: str, form: bytes) -> Binary:
    """The one file of a multipart form."""
    parts: Any = message_from_bytes(f"Content-Type: {media}\r\n\r\n".encode() + form).get_payload()
    return Binary(parts[0].get_payload(decode=True))


def _text(body: Any) -> Any:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body


def _is_fit(case: Any, location: ParameterLocation) -> bool:
    component = case.meta.components.get(location)
    return component is not None and component.mode.is_positive


def drawn(operation: Any, mode: GenerationMode, count: int) -> list[Any]:
    """That many cases, the same ones on each run; none when nothing can be wrong with a request."""
    cases: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        cases.append(case)

    try:
        collect()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label
    return cases


def on_bounds(schema: Any, operation: Any) -> Iterator[Any]:
    """Cases on the bounds of the document, spread over all that there are."""
    within: list[Any] = []
    beyond: list[Any] = []
    methods: list[Any] = []
    options = schema.config.generation_for(operation=operation)
    for case in schema.iter_coverage_cases(operation, generation_modes=list(GenerationMode), generation_config=options):
        if case.meta.phase.data.scenario == CoverageScenario.UNSPECIFIED_HTTP_METHOD:
            methods.append(case)
        else:
            (within if case.meta.generation.mode.is_positive else beyond).append(case)
    for cases, count in ((within, ON_EDGE), (beyond, BEYOND), (methods, METHODS)):
        yield from cases[:: max(1, len(cases) // count)][:count]


async def asked(place: Place, case: Any, holder: Holder) -> Response:
    """The answer to a case, through all of the middleware, as Schemathesis wants it."""
    headers = dict(holder.headers) if case.operation.definition.raw.get("security") else {}
    if case.operation.label == LEAVING:
        headers = {"Authorization": f"Bearer {await session_token(place.world)}"}
    request = prepare_request(case, headers, config=SanitizationConfig(enabled=False), base_url=BASE)
    target, _, query = str(request.url).removeprefix(BASE).partition("?")
    content = request.body or b""
    inbox = [{"type": "http.request", "body": content.encode() if isinstance(content, str) else content}]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        if not inbox:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return inbox.pop()

    async def send(message: Any) -> None:
        answer.messages.append(message)

    sent = [(name.lower().encode(), _bytes(value)) for name, value in request.headers.items()]
    path = {"raw_path": target.encode(), "query_string": query.encode()}
    began = time.monotonic()
    await place.app(scope(str(request.method), unquote(target), sent, **path), receive, send)
    told: dict[str, list[str]] = {}
    for name, value in answer.messages[0]["headers"]:
        told.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return Response(answer.status, told, answer.body, request, time.monotonic() - began, verify=False)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _untold(case: Any) -> tuple[Any, ...]:
    """The checks that say nothing of this case: Schemathesis takes every body with bytes for one that is not valid."""
    files = isinstance(case.body, dict) and any(isinstance(value, Binary) for value in case.body.values())
    return (negative_data_rejection,) if files else ()


def faults(case: Any, response: Response) -> Iterable[tuple[str, str]]:
    """In what the answer is not what the document says: kinds, each with an example."""
    try:
        case.validate_response(response, checks=[check for check in CHECKS if check not in _untold(case)])
    except FailureGroup as group:
        request = response.request
        sent = f"{request.method} {request.url} {request.body!r}"[:500]
        for failure in group.exceptions:
            kind = f"{case.operation.label}: {failure.title} ({response.status_code})"
            yield kind, f"{failure.message}\n  {sent}\n  {response.content[:300]!r}"


def shared(cases: Iterable[Any], holders: list[Holder], operation: str) -> Iterator[tuple[Any, Holder]]:
    """Who asks what: everybody everything, but of what is forbidden whatever the thing and its state, `FORBIDDEN`."""
    answers = [row.answers for row in read() if row.operation == operation]
    for number, case in enumerate(cases):
        for holder in holders:
            forbidden = all(each[holder.column] == "403" for each in answers)
            if not forbidden or number % (FITTING + UNFIT) < FORBIDDEN:
                yield case, holder


def can_succeed() -> set[str]:
    """Operations that the matrix lets anybody use; the log-in at a provider needs one, which is not there."""
    return {row.operation for row in read() if any(map(row.takes, row.answers))}


def changes_settings(operation: str) -> bool:
    """Whether the operation could decide the answers of all others: such ones are asked last."""
    return " /system/" in operation and not operation.startswith("GET ")


async def keep(superuser: asyncpg.Connection) -> None:
    for table in SETTINGS:
        await superuser.execute(f"CREATE TEMP TABLE kept_{table} AS TABLE spyne.{table}")


async def undo(superuser: asyncpg.Connection) -> None:
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")  # other tables refer to these
        for table in SETTINGS:
            await superuser.execute(f"DELETE FROM spyne.{table}; INSERT INTO spyne.{table} SELECT * FROM kept_{table}")


@pytest.mark.timeout(900)  # some three minutes on a machine of its own
async def test_everything_is_answered_as_documented(
    place: Place, superuser: asyncpg.Connection, document: dict[str, Any]
) -> None:
    holders = [place.holder(name) for name in USERS]
    known = Known()
    for holder in holders:
        await known.learn(place, holder)
    config = schemathesis.Config()
    config.projects.default.generation.with_security_parameters = False  # ours are valid, and one at a time
    config.projects.default.checks.negative_data_rejection.expected_statuses = [str(each) for each in range(400, 500)]
    schema = schemathesis.openapi.from_dict(document, config=config)
    operations = [result.ok() for result in schema.get_all_operations()]
    await keep(superuser)
    statuses: Counter[int] = Counter()
    taken: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for operation in sorted(operations, key=lambda each: changes_settings(each.label)):
        cases = [
            *drawn(operation, GenerationMode.POSITIVE, FITTING),
            *drawn(operation, GenerationMode.NEGATIVE, UNFIT),
            *on_bounds(schema, operation),
        ]
        for case, holder in shared(known.met(cases), holders, operation.label):
            response = await asked(place, case, holder)
            statuses[response.status_code] += 1
            taken[operation.label] += 200 <= response.status_code < 300
            for kind, shown in faults(case, response):
                wrong.setdefault(kind, shown)
            if changes_settings(operation.label):
                await undo(superuser)
    total = statuses.total()
    print(
        f"\nSchemathesis: {total} requests, {taken.total() / total:.0%} of them 2xx, {dict(sorted(statuses.items()))}"
    )
    assert not wrong, "\n".join(f"{kind}: {shown}" for kind, shown in wrong.items())
    never = {label for label, count in taken.items() if not count}
    assert never & can_succeed() == set(), "operations that never succeeded"
    # The walk has one caller: what only a second person may do is refused, rightly, each time.
    assert taken.total() >= 0.28 * total
