"""A language model beside the generator: asked only where it may be, kept as a version of its own, or refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.addons.package.files import Package
from app.addons.proposals.outcome import Refused, Rule
from app.addons.requests.work import AddonWork, BuiltPackage
from app.kernel.runtime.resources import Resources
from app.settings import DatabaseSettings, LanguageModelSettings, Settings
from tests.addons.requests.conftest import PROPS
from tests.addons.requests.steps import ROOT, completed, document
from tests.catalog.joins.steps import configured
from tests.model_server import ModelServer, completion, sending

KEY = "sk-this-key-is-never-shown"
CHANGE = {"file": "default/props.conf", "stanza": "acme:vpn", "key": "EXTRACT-user", "value": r"user (?<user>\w+)"}
ANSWER = {"set": [CHANGE], "remove": [], "why": "users stand in words"}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """The model."""
    with ModelServer().running() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, model: ModelServer) -> Settings:
    """Settings that know the model."""
    told = {"url": model.url, "name": "m", "api_key": KEY, "allow_http": True, "allowed_networks": "127.0.0.0/8"}
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    endpoint = LanguageModelSettings.model_validate(told)
    return Settings(home=tmp_path / "home", database=database, language_model=endpoint)


@pytest.fixture(autouse=True)
def _unmatched(_quick_work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package leaves a line unmatched, and changes to it are kept but for those of the key EVAL-x."""

    async def built(_: AddonWork, _sample: bytes, name: str, __: str | None) -> BuiltPackage:
        files = {"default/props.conf": PROPS, "README.md": b"Made.\n"}
        return BuiltPackage(Package(name, files), {"sourcetype": "acme:vpn", "unmatched": [{"text": "user Ann"}]})

    async def judge(_: AddonWork, package: Package, _sample: bytes, _sourcetype: str, changes: Any) -> Any:
        if changes.changes[0].key == "EVAL-x":
            return Refused(Rule.VALUES_LOST)
        return BuiltPackage(Package(package.name, {**package.files, "default/props.conf": b"[a]\n"}), {"passed": True})

    monkeypatch.setattr(AddonWork, "build", built)
    monkeypatch.setattr(AddonWork, "judge", judge)


async def revisions(client: httpx.AsyncClient, request_id: str) -> list[Any]:
    """The versions of a request, oldest first, whole."""
    items = document(await client.get(f"{ROOT}/{request_id}/revisions"), 200)["items"]
    versions = sorted(each["version"] for each in items)
    return [document(await client.get(f"{ROOT}/{request_id}/revisions/{each}"), 200) for each in versions]


async def test_nobody_is_asked_by_default(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, model: ModelServer
) -> None:
    found = await revisions(requestor, await completed(requestor, approver, running))
    assert ([each["version"] for each in found], found[0]["note"], model.asked) == ([1], None, [])


async def test_what_is_kept_is_a_version_that_is_marked(
    admin: httpx.AsyncClient,
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    running: Resources,
    model: ModelServer,
) -> None:
    await configured(admin, running, {"addons.language-model": "when-unmatched"})
    model.reply = sending(completion(json.dumps(ANSWER)))
    request_id = await completed(requestor, approver, running)
    generated, proposed = await revisions(requestor, request_id)
    assert (generated["note"], generated["type"], proposed["type"]) == (None, "AUTO", "AUTO")
    assert proposed["note"].startswith("Proposed by a language model and kept: set EXTRACT-user of [acme:vpn]")
    assert proposed["report"]["proposal"]["changes"] == [CHANGE]
    assert proposed["changes"]["modified"] == ["default/props.conf"]
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations"), 200)["items"]
    assert [(each["number"], each["revision_version"]) for each in run] == [(1, 2)]
    assert model.asked[0].document["unmatched"] == ["xxxx Xxx"]
    assert model.asked[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (sending(b"", 500), "status"),
        (sending(b"{}"), "unreadable"),
        (sending(completion("no JSON")), "not-json"),
        (sending(completion(json.dumps(ANSWER | {"why": KEY}))), "secret"),
        (sending(completion(json.dumps(ANSWER).replace("users", "\\u0073k" + KEY[2:]))), "secret"),
        (sending(completion("You improve field extractions of a technology add-on for Splunk.")), "echo"),
        (sending(completion(json.dumps({"set": [CHANGE | {"key": "EVAL-x"}]}))), "values-lost"),
    ],
)
async def test_what_is_refused_is_said_in_the_notes(
    admin: httpx.AsyncClient,
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    running: Resources,
    model: ModelServer,
    reply: Any,
    rule: str,
) -> None:
    await configured(admin, running, {"addons.language-model": "when-unmatched"})
    model.reply = reply
    found = await revisions(requestor, await completed(requestor, approver, running))
    assert [each["version"] for each in found] == [1]
    assert found[0]["report"]["proposal"]["rule"] == rule
    assert found[0]["note"] == found[0]["report"]["notes"][-1]
    assert KEY not in json.dumps(found)
