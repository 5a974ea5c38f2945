"""The OpenAPI document is good to work with: names, texts, examples, and security that Swagger UI can use."""

import asyncio
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema

from app.kernel.http.openapi_examples import NoExampleError, example
from app.kernel.security.authorization import Permission
from app.kernel.security.credential_headers import SESSION_COOKIE
from tests.authorization.matrix import ANONYMOUS, read
from tests.identities import PASSWORD, Identities
from tests.lag import prompt_loop

SCHEMES = ["oauth2", "api_key", "session"]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(document):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), f"{name}: the id is given by hand"
        assert operation["summary"], name
        assert operation["description"].rstrip().endswith("."), f"{name}: sentences say what it does"
        assert len(operation["tags"]) == 1, name
        assert any(status[0] in "23" for status in operation["responses"]), f"{name}: no answer for when all is well"
        assert all(answer["description"] for answer in operation["responses"].values()), name


NAME = re.compile(r"[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+_)?")
"""A class; or a generic one with what it is of, such as `PageDocument_UserDocument_`."""


def test_every_schema_has_a_name_and_a_title_of_its_own(document: dict[str, Any]) -> None:
    """Generators name classes by titles: two schemas of one title would be one class, and operations be lost."""
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not NAME.fullmatch(name)] == []
    titles = Counter(re.sub(r"\W|_", "", schema.get("title", name)) for name, schema in schemas.items())
    assert [title for title, times in titles.items() if times > 1] == []


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    silent = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    assert silent == []


def test_every_refusal_is_a_problem_or_an_oauth2_error(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status[0] in "45" and not (name in {"GET /health", "GET /health/ready"} and status == "503"):
                form = "application/json" if name == "POST /api/auth/token" else "application/problem+json"
                assert {form, "application/problem+json"} & answer["content"].keys(), f"{name}: {status}"


def test_json_bodies_have_an_example_that_fits(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    illustrated = 0
    for name, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "$ref" not in body.get("schema", {}):
            continue
        assert "example" in body, f"{name}: {_missing(body['schema'], schemas)}"
        jsonschema.validate(body["example"], body["schema"] | {"components": document["components"]})
        illustrated += 1
    assert illustrated >= 10


def _missing(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    try:
        return str(example(schema, schemas))
    except NoExampleError as error:
        return str(error)


def test_an_operation_asks_for_a_credential_unless_the_matrix_opens_it_to_everybody(document: dict[str, Any]) -> None:
    open_to_all = {row.operation for row in read() if row.answers[ANONYMOUS] != "401"}
    scopes = {permission.value for permission in Permission}
    for name, operation in operations(document):
        security = operation.get("security", [])
        assert bool(security) is (name not in open_to_all), name
        if security:
            assert [scheme for each in security for scheme in each] == SCHEMES, name
            assert set(security[0]["oauth2"]) <= scopes, name


def test_the_schemes_are_the_service_s_own(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert list(schemes) == SCHEMES
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", SESSION_COOKIE)
    for flow in ("password", "clientCredentials"):
        assert schemes["oauth2"]["flows"][flow]["scopes"].keys() == {permission.value for permission in Permission}
        assert all(schemes["oauth2"]["flows"][flow]["scopes"].values())


async def test_what_is_served_is_the_document_and_holds_nothing_up(
    anonymous: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    async with prompt_loop(what="the first reader of the document"):
        answers = await asyncio.gather(*(anonymous.get("/openapi.json") for _ in range(3)))
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == document


async def test_swagger_s_authorize_works_for_people_and_services(
    document: dict[str, Any], anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    """As Swagger UI sends it: the client by HTTP Basic (empty when nobody filled it in), the ticked scopes."""
    flows = document["components"]["securitySchemes"]["oauth2"]["flows"]
    name, _ = await identities.user("ANALYST")
    wanted = document["paths"]["/api/tables"]["get"]["security"][0]["oauth2"]
    person = {"grant_type": "password", "username": name, "password": PASSWORD, "scope": " ".join(wanted)}
    key = await identities.api_key("ENGINEER")
    for flow, form, client in (
        ("password", person, ":"),
        (
            "clientCredentials",
            {"grant_type": "client_credentials", "scope": " ".join(wanted)},
            await _of(key, anonymous),
        ),
    ):
        headers = {
            "Authorization": f"Basic {b64encode(client.encode()).decode()}",
            "X-Requested-With": "XMLHttpRequest",
        }
        answer = await anonymous.post(flows[flow]["tokenUrl"], data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        bearer = {"Authorization": f"{answer.json()['token_type']} {answer.json()['access_token']}"}
        assert (await anonymous.get("/api/tables", headers=bearer)).status_code == 200
        refused = await anonymous.get("/api/contracts", headers=bearer)
        assert (refused.status_code, refused.json()["missing"]) == (403, ["contracts:read"]), "the scopes narrow"


async def _of(key: str, anonymous: httpx.AsyncClient) -> str:
    me = await anonymous.get("/api/auth/me", headers={"X-API-Key": key})
    return f"{me.json()['name']}:{key}"
