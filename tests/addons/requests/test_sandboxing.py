"""A validation tries the package in a Splunk, where there is one; whatever comes of it decides nothing."""

import json
from collections.abc import Iterator

import httpx
import pytest

from app.addons.package.archives import write_archive
from app.addons.package.files import Package
from app.addons.requests.sandboxing import with_sandbox
from app.addons.requests.work import AddonWork, CheckedPackage
from app.addons.sandbox.trial import SANDBOX_CHARACTERS, Sandbox
from app.kernel.runtime.resources import Resources
from app.settings import AddonSettings, Settings, SplunkSandboxSettings
from tests.addons.requests.steps import LINES, ROOT, approved, document, worked
from tests.addons.sandbox.splunk_server import TOKEN, SplunkServer, answering, said

LATIN = Package(
    "TA-x", {"default/props.conf": b"[x]\nSHOULD_LINEMERGE = false\nCHARSET = ISO-8859-1\nEXTRACT-a = (?<name>\\S+)\n"}
)


@pytest.fixture
def splunk() -> Iterator[SplunkServer]:
    with SplunkServer().running() as server:
        yield server


@pytest.fixture
def settings(settings: Settings, splunk: SplunkServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name the Splunk, as an administrator writes them."""
    more = {"URL": splunk.url, "API_KEY": TOKEN, "ALLOW_HTTP": "true", "ALLOWED_NETWORKS": "127.0.0.0/8"}
    for name, value in more.items():
        monkeypatch.setenv(f"ADDONS_SPLUNK_{name}", value)
    return settings.model_copy(update={"splunk": SplunkSandboxSettings()})


async def test_the_work_hands_out_the_beginning_in_the_charset_of_the_package() -> None:
    line = "caf\u00e9 \u20ac\n"
    sample = (line * SANDBOX_CHARACTERS).encode()
    trial = await AddonWork(AddonSettings()).trial(write_archive(LATIN), sample, None, 70)
    assert trial.sourcetype == "x"
    assert trial.sample == b"caf\xe9 ?\n" * 9 + b"caf\xe9 ?"
    assert [event.fields["name"] for event in trial.events] == [("caf\u00e9",)] * 10
    assert [event.line for event in trial.events] == list(range(1, 11))


async def test_without_a_splunk_it_is_said_and_decides_nothing() -> None:
    checked, work = CheckedPackage(passed=True, report={"lint": 1}), AddonWork(AddonSettings())
    found = await with_sandbox(checked, work, b"", b"", None, Sandbox(SplunkSandboxSettings()))
    assert (found.passed, found.report["lint"], found.report["sandbox"]["status"]) == (True, 1, "skipped")
    assert "ADDONS_SPLUNK_URL" in found.report["sandbox"]["reason"]


async def test_what_cannot_be_replayed_is_not_tried(settings: Settings, splunk: SplunkServer) -> None:
    checked, work = CheckedPackage(passed=False, report={}), AddonWork(AddonSettings())
    found = await with_sandbox(checked, work, b"no archive", LINES, None, Sandbox(settings.splunk))
    assert (found.passed, found.report["sandbox"]["status"], splunk.asked) == (False, "skipped", [])


@pytest.mark.usefixtures("real_work")
async def test_a_validation_compares_with_the_splunk(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, capfd: pytest.CaptureFixture[str]
) -> None:
    request_id = await approved(requestor, approver)
    await worked(running)
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations/1"), 200)
    sandbox = run["report"]["sandbox"]
    assert (run["status"], sandbox["status"], sandbox["splunk"]) == ("PASSED", "matched", "9.4.1")
    assert sandbox["replayed"] == sandbox["paired"] == run["report"]["events"] == 60
    said_aloud = capfd.readouterr()
    assert TOKEN not in said_aloud.out + said_aloud.err + json.dumps(run)


async def test_a_splunk_that_differs_or_breaks_decides_nothing(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, splunk: SplunkServer
) -> None:
    splunk.changed = lambda results: [{**results[0], "odd\x00": "a\x00\ud800"}, *results[1:]]
    request_id = await approved(requestor, approver)
    await worked(running)
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations/1"), 200)
    assert (run["status"], run["report"]["sandbox"]["counts"]) == ("PASSED", {"field": 1})
    splunk.instead["GET /services/server"] = answering(500, said(f"no {TOKEN}"))
    document(await requestor.post(f"{ROOT}/{request_id}/validations", json={"version": 1}), 202)
    await worked(running)
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations/2"), 200)
    assert (run["status"], run["report"]["sandbox"]["status"]) == ("PASSED", "broken")
    assert run["report"]["sandbox"]["reason"].endswith("answered 500. It says: no ...")
