"""The OpenAPI document and its Swagger UI, both served from here: the page asks no other host for anything."""

import asyncio
import contextlib
from pathlib import Path
from threading import Lock
from typing import Any

import fastapi_offline
import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from app.kernel.http.openapi_examples import NoExampleError, example
from app.kernel.http.pages import Page
from app.kernel.problems import PROBLEM_JSON, ProblemDocument

ASSETS = Path(fastapi_offline.__file__).parent / "static"
ASSETS_PATH = "/docs/assets"
OAUTH2_REDIRECT = "/docs/oauth2-redirect"
DOCUMENT_PATH = "/openapi.json"

API_KEY_SCHEME = "api_key"
API_KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`spy_<prefix>_<secret>`"}

HEALTH = "/health"
"""How the paths begin that are neither limited nor closed to anybody."""

SESSION_SCHEME = "session"
SESSION = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__Host-spyne_session",
    "description": "Set by a log-in in the browser. What changes something needs the session's `X-CSRF-Token` too.",
}

_PROBLEM = {
    "description": "Problem (RFC 9457)",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
}


class _Assets(StaticFiles):
    """Files that browsers keep, and ask each time whether they are still the same."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, or 304."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def serve_docs(app: FastAPI) -> None:
    """Swagger UI at /docs, its files from the installed package."""
    app.mount(ASSETS_PATH, _Assets(directory=ASSETS), name="docs-assets")

    async def docs(_: Request) -> Page:
        made = get_swagger_ui_html(
            openapi_url=DOCUMENT_PATH,
            title=f"{app.title} API",
            oauth2_redirect_url=OAUTH2_REDIRECT,
            swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS_PATH}/favicon.png",
        )
        return Page(bytes(made.body).decode())

    async def redirect(_: Request) -> Page:
        return Page(bytes(get_swagger_ui_oauth2_redirect_html().body).decode())

    # Plain routes: FastAPI keeps what it knows of a function's parameters, and with it these and the application.
    app.add_route("/docs", docs, ["GET"])
    app.add_route(OAUTH2_REDIRECT, redirect, ["GET"])


def describe(app: FastAPI) -> None:
    """Make the document say what every operation may answer besides its own statuses, and serve it.

    It is made when it is asked for first, in a thread: that takes half a second, for which the event loop would stand.
    """
    generate, making = app.openapi, Lock()
    described: dict[str, Any] = {}
    written = b""

    def openapi() -> dict[str, Any]:
        nonlocal described, written
        with making:
            if not written:
                described = _described(generate())
                written = orjson.dumps(described)
        return described

    async def document(_: Request) -> Response:
        if not written:
            await asyncio.to_thread(openapi)
        return Response(written, media_type="application/json")

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way of extending the document
    app.add_route(DOCUMENT_PATH, document, ["GET"])


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's document, completed."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDocument"] = problem
    schemes = {API_KEY_SCHEME: API_KEY, SESSION_SCHEME: SESSION}
    document["components"].setdefault("securitySchemes", {}).update(schemes)
    for template, path in document["paths"].items():
        for operation in path.values():
            _complete(operation, open_to_all=template.startswith(HEALTH))
            _illustrate(operation, schemas)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    _name_by_direction(document)
    return document


_DIRECTIONS = {"-Input": "Input", "-Output": ""}
"""How the framework marks the two halves of a model whose requests and answers differ, and how they are named here."""


def _name_by_direction(document: dict[str, Any]) -> None:
    """Give both halves of such a model names, and titles, that generated clients can tell apart."""
    schemas = document["components"]["schemas"]
    halves = {
        name: name.removesuffix(mark) + suffix
        for name in schemas
        for mark, suffix in _DIRECTIONS.items()
        if name.endswith(mark)
    }
    for before, after in halves.items():
        schemas[after] = schemas.pop(before) | {"title": after}
    prefix = "#/components/schemas/"
    _refer(document, {prefix + before: prefix + after for before, after in halves.items()})


def _refer(value: Any, renamed: dict[str, str]) -> None:
    """Lead every reference within the value to the name that its schema has now."""
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            value["$ref"] = renamed.get(reference, reference)
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _refer(inner, renamed)


def _complete(operation: dict[str, Any], *, open_to_all: bool) -> None:
    answers = operation["responses"]
    if "application/json" in answers.get("422", {}).get("content", {}):
        answers["422"] = _PROBLEM  # the framework's own description of what we answer as a problem
    expected = {"400", "414", "431", "503"}  # addresses and heads that cannot be read, and whatever is away
    if not open_to_all:
        expected |= {"403", "429"}  # blocks, rate limits
    if "requestBody" in operation:
        expected |= {"413", "415", "422"}
    if operation.get("parameters"):
        expected |= {"404", "422"}
    if operation.get("security"):
        expected |= {"401", "403"}
        operation["security"] += [{API_KEY_SCHEME: []}, {SESSION_SCHEME: []}]
    for status in sorted(expected):
        answers.setdefault(status, _PROBLEM)


def _illustrate(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give JSON bodies an example, and ids in paths a description."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and "$ref" in body["schema"]:
        with contextlib.suppress(NoExampleError):  # a test says where one is missing
            body.setdefault("example", example(body["schema"], schemas))
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path" and name.endswith("_id"):
            thing = name.removesuffix("_id").replace("_", " ")
            parameter.setdefault("description", f"Id of the {thing}.")
