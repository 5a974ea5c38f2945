"""A package in a Splunk: what goes there, what comes back, and that nothing a server does breaks or stays."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.addons.package.conf import conf_settings
from app.addons.package.files import Package
from app.addons.replay.replaying import replay
from app.addons.sandbox import trial as trials
from app.addons.sandbox.events import SandboxEvent
from app.addons.sandbox.report import SandboxReport
from app.addons.sandbox.splunk import APP, MOST_BYTES
from app.addons.sandbox.trial import CONFS, LABEL, MAX_LOOKUP_BYTES, MAX_STANZAS, Sandbox, Trial
from app.settings import SplunkSandboxSettings
from tests.addons.lint.good import good_package
from tests.addons.sandbox.splunk_server import INDEX, TOKEN, Asked, Reply, SplunkServer, answering, entry, lines, said
from tests.kernel.http.certificates import certificate
from tests.waiting import eventually

SAMPLE = "".join(
    f"2026-03-0{n}T12:00:0{n}+0100 gw user=u{n} from 10.0.0.{n} action={('drop', 'login')[n % 2]} code={1 + n % 2}\n"
    for n in range(1, 9)
)
EXPORT = f"POST /servicesNS/nobody/{APP}/search/v2/jobs/export"
CONF = f"POST /servicesNS/nobody/{APP}/configs/conf-"


@pytest.fixture
def splunk() -> Iterator[SplunkServer]:
    with SplunkServer().running() as server:
        yield server


class Clock:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def settings_of(splunk: SplunkServer, **more: Any) -> SplunkSandboxSettings:
    given = {"url": splunk.url, "api_key": TOKEN, "allow_http": True, "allowed_networks": "127.0.0.0/8"}
    return SplunkSandboxSettings.model_validate(given | more)


def trial_of(package: Package, sample: str = SAMPLE, sourcetype: str = "acme:vpn") -> Trial:
    events = tuple(SandboxEvent.of_replay(each) for each in replay(package, sample, sourcetype=sourcetype).events)
    return Trial(package, sourcetype, sample.encode(), events)


async def tried(splunk: SplunkServer, trial: Trial | None = None, **more: Any) -> SandboxReport:
    clock = Clock()
    sandbox = Sandbox(settings_of(splunk, **more), clock=clock, sleep=clock.sleep)
    report = await sandbox.tried(trial or trial_of(good_package()))
    assert TOKEN not in json.dumps(report.as_document())
    return report


async def test_a_splunk_that_reads_as_the_replay_does_matches(splunk: SplunkServer) -> None:
    report = await tried(splunk)
    assert (report.status, report.reason, report.splunk) == ("matched", None, "9.4.1")
    assert (report.replayed, report.found, report.paired, report.differences) == (8, 8, 8, ())
    json.dumps(report.as_document())


async def test_the_sample_arrives_as_one_source_of_the_index(splunk: SplunkServer) -> None:
    await tried(splunk)
    (sent,) = splunk.calls("POST /services/receivers/stream")
    assert sent.body == SAMPLE.encode()
    assert (sent.query["index"], sent.query["sourcetype"]) == (INDEX, "acme:vpn")
    assert sent.query["source"] == sent.query["host"]
    (again,) = (each.query["source"] for each in splunk.calls("POST /services/receivers/stream"))
    await tried(splunk)
    assert splunk.calls("POST /services/receivers/stream")[-1].query["source"] != again


async def test_all_that_says_how_events_are_read_is_put_there_and_nothing_else(splunk: SplunkServer) -> None:
    package = good_package()
    files = {"default/inputs.conf": b"[script://./bin/x.sh]\ninterval = 1\n", "bin/x.sh": b"reboot\n"}
    files["default/props.conf"] = b"[default]\nTRUNCATE = 5000\n" + package.files["default/props.conf"]
    package = replace(package, files={**package.files, **files})
    seen: dict[str, Any] = {}

    def removed(handler: Any, asked: Asked) -> None:
        seen.update(json.loads(json.dumps(splunk.kept.stanzas)), lookups=dict(splunk.kept.lookups))
        answering(200, b"{}")(handler, asked)

    splunk.instead["DELETE"] = removed
    await tried(splunk, trial_of(package))
    lookup = package.files["lookups/acme_vpn_actions.csv"]
    assert seen.pop("lookups") == {"acme_vpn_actions.csv": lookup}
    for conf in CONFS:
        put = {name: each for name, each in seen.pop(conf, {}).items() if each}
        assert put == {each.name: dict(each.settings) for each in conf_settings(package, conf).stanzas}
    assert seen == {}


async def test_nothing_stays(splunk: SplunkServer) -> None:
    await tried(splunk)
    assert splunk.kept.apps == {}
    assert splunk.asked[-1].call == f"DELETE /services/apps/local/{APP}"


async def test_events_are_waited_for(splunk: SplunkServer) -> None:
    splunk.late = 20
    assert (await tried(splunk)).status == "matched"


async def test_events_that_never_come_are_said(splunk: SplunkServer) -> None:
    splunk.late = 10**6
    report = await tried(splunk, wait_seconds=30)
    assert (report.status, report.reason) == ("broken", "After 30 seconds 0 of 8 events can be searched.")
    assert splunk.kept.apps == {}


def first(results: list[dict[str, Any]], **change: Any) -> list[dict[str, Any]]:
    return [{**results[0], **change}, *results[1:]]


CHANGES: dict[str, tuple[Any, dict[str, int]]] = {
    "an event less": (lambda results: results[1:], {"missing": 1}),
    "an event twice": (lambda results: [*results, results[0]], {"additional": 1}),
    "another time": (lambda results: first(results, spyne_time="5"), {"time": 1}),
    "no time": (lambda results: first(results, spyne_time="x"), {"time": 1}),
    "another user": (lambda results: first(results, user="nobody"), {"field": 1}),
    "a field of its own": (lambda results: first(results, extra="x"), {"field": 1}),
    "a NUL in a value": (lambda results: first(results, user="a\x00b\ud800"), {"field": 1}),
    "a very long value": (lambda results: first(results, user="x" * 1_000_000), {"field": 1}),
    "all gone": (lambda _: [], {"missing": 8}),
    "values that are none": (lambda results: first(results, user={"a": 1}), {"field": 1}),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_what_splunk_shows_otherwise_is_told(splunk: SplunkServer, name: str) -> None:
    splunk.changed, counts = CHANGES[name]
    report = await tried(splunk)
    assert (report.status, report.counts) == ("differs", counts)
    assert len(json.dumps(report.as_document())) < 20_000


async def test_a_package_that_names_hosts_is_compared_by_them(splunk: SplunkServer) -> None:
    splunk.changed = lambda results: first(results, host="gw7")
    report = await tried(splunk)
    assert [(each.field, each.splunk) for each in report.differences] == [("host", "gw7")]


def redirect(splunk: SplunkServer) -> Reply:
    return answering(302, b"", Location=f"{splunk.url}/elsewhere")


ECHO: Reply = lambda handler, asked: answering(500, said(f"no: {asked.headers}"))(handler, asked)  # noqa: E731
HOSTILE: dict[str, tuple[str, Reply, str]] = {
    "another server": ("GET /services/server", answering(404, b"<html>"), "answered 404"),
    "a page": ("GET /services/server", answering(200, b"<html>"), "management port"),
    "a list": ("GET /services/server", answering(200, b"[]"), "management port"),
    "no entry": ("GET /services/server", answering(200, b'{"entry":[]}'), "management port"),
    "nested deeply": ("GET /services/server", answering(200, b"[" * 200_000), "management port"),
    "a token that is not known": ("GET /services/server", answering(401, said("x")), "does not know the token"),
    "a login page elsewhere": ("GET /services/server", answering(303, b"", Location="/login"), "answered 303"),
    "the token in a fault": ("GET /services/server", ECHO, "answered 500"),
    "a flood": ("GET /services/server", answering(200, b"x" * (MOST_BYTES + 1)), "more than"),
    "a flood in few bytes": (
        "GET /services/server",
        answering(200, gzip.compress(b" " * (MOST_BYTES + 1), 9, mtime=0), **{"Content-Encoding": "gzip"}),
        "more than",
    ),
    "no HTTP": ("GET /services/server", lambda handler, _: handler.wfile.write(b"SSH-2.0\r\n\r\n") and None, "HTTP"),
    "it hangs up": ("GET /services/server", lambda handler, _: handler.connection.close(), "HTTP"),
    "an index that may not be seen": ("GET /services/data", answering(403, said("x")), "look up the index (403)"),
    "apps that may not be made": ("POST /services/apps", answering(403, said("x")), "make an app (403)"),
    "no licence": ("POST /services/apps", answering(402, said("The licence is over")), "The licence is over"),
    "a full disk": (CONF, answering(507, said("disk is full")), "disk is full"),
    "a stanza that is refused": (f"{CONF}props", answering(400, said("Bad stanza")), "a stanza of props.conf"),
    "no lookups": (EXPORT, answering(200, said("outputlookup: no")), "took no lookup file"),
    "a sample that is refused": ("POST /services/receivers", answering(400, said("index missing")), "index missing"),
    "events elsewhere": ("POST /services/receivers", answering(307, b"", Location="/x"), "answered 307"),
    "it is restarting": ("POST /services/receivers", answering(503, b"starting"), "answered 503"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_server_that_does_otherwise_breaks_the_trial_and_nothing_else(splunk: SplunkServer, name: str) -> None:
    call, reply, word = HOSTILE[name]
    splunk.instead[call] = reply
    report = await tried(splunk)
    assert report.status == "broken"
    assert word in (report.reason or "")
    assert splunk.kept.apps == {}
    assert not splunk.calls("GET /login") + splunk.calls("POST /x")


SEARCHES: dict[str, tuple[bytes, str]] = {
    "a page": (b"<html>", "no JSON"),
    "half an answer": (lines({"_raw": "a"})[:-9], "no JSON"),
    "an error": (said("Search not executed"), "Search not executed"),
    "no count": (b"{}", "no count"),
    "a huge count": (lines({"count": "9" * 4_000}), "no count"),
}


@pytest.mark.parametrize("name", SEARCHES)
async def test_a_search_that_answers_nonsense_breaks_the_trial(splunk: SplunkServer, name: str) -> None:
    body, word = SEARCHES[name]
    package = good_package()
    files = {path: content for path, content in package.files.items() if not path.startswith("lookups/")}
    splunk.instead[EXPORT] = answering(200, body)
    report = await tried(splunk, trial_of(replace(package, files=files)))
    assert report.status == "broken"
    assert word in (report.reason or "")
    assert splunk.kept.apps == {}


@pytest.mark.parametrize("way", ["hangs", "drips"])
async def test_a_server_that_is_silent_costs_its_timeout(splunk: SplunkServer, way: str) -> None:
    splunk.instead["GET /services/server"] = getattr(splunk, way)
    report = await tried(splunk, timeout_seconds=0.3)
    assert (report.status, "in time" in (report.reason or "")) == ("broken", True)


async def test_a_trial_ends_in_time_whatever_the_server_does(
    splunk: SplunkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "TRIAL_SECONDS", 0.5)
    splunk.instead[f"{CONF}tags"] = splunk.hangs
    report = await tried(splunk)
    assert (report.status, report.reason) == ("broken", "The trial took longer than 0.5 seconds.")
    assert splunk.kept.apps == {}


async def test_a_trial_that_is_cancelled_leaves_nothing(splunk: SplunkServer) -> None:
    splunk.instead[f"{CONF}tags"] = splunk.hangs
    task = asyncio.create_task(tried(splunk))
    await eventually(lambda: splunk.calls(f"{CONF}tags"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert splunk.kept.apps == {}


async def test_an_app_that_cannot_be_removed_hides_no_result(splunk: SplunkServer) -> None:
    splunk.instead["DELETE"] = answering(500, said("x"))
    assert (await tried(splunk)).status == "matched"
    assert APP in splunk.kept.apps


async def test_nobody_is_there() -> None:
    with SplunkServer().running() as server:
        pass
    report = await tried(server)
    assert (report.status, "does not take connections" in (report.reason or "")) == ("broken", True)


async def test_an_address_that_is_not_allowed_is_not_called(splunk: SplunkServer) -> None:
    report = await tried(splunk, allowed_networks="10.0.0.0/8")
    assert (report.status, splunk.asked) == ("broken", [])


async def test_a_wrong_token_is_said_and_not_shown(splunk: SplunkServer) -> None:
    report = await tried(splunk, api_key="another-token")
    assert (report.status, report.reason) == ("broken", "Splunk does not know the token (401).")


async def test_an_index_that_is_missing_is_asked_for(splunk: SplunkServer) -> None:
    report = await tried(splunk, index="elsewhere")
    assert (report.status, "no index elsewhere" in (report.reason or "")) == ("skipped", True)
    assert not splunk.calls("POST")


async def test_two_trials_take_turns(splunk: SplunkServer) -> None:
    reports = await asyncio.gather(*[tried(splunk) for _ in range(3)])
    assert [report.status for report in reports] == ["matched"] * 3
    inside = 0
    for asked in splunk.asked:
        if asked.call == "POST /services/receivers/stream":
            inside += 1
        elif asked.method == "DELETE":
            assert inside == 1, "an app was removed before its trial was over"
            inside = 0


async def test_the_app_of_a_trial_that_lives_is_left_alone(splunk: SplunkServer) -> None:
    splunk.kept.apps[APP] = f"{LABEL}{Clock().now + 200:.0f}"
    report = await tried(splunk, wait_seconds=30)
    assert (report.status, report.reason) == ("skipped", "Another trial is in the sandbox.")
    assert APP in splunk.kept.apps


async def test_the_app_of_a_trial_that_was_killed_is_removed(splunk: SplunkServer) -> None:
    splunk.kept.apps[APP] = f"{LABEL}{Clock().now - 1:.0f}"
    splunk.kept.stanzas["props"] = {"default": {}, "acme:vpn": {"KV_MODE": "json"}}
    assert (await tried(splunk)).status == "matched"
    assert splunk.kept.apps == {}


@pytest.mark.parametrize("label", ["", "My app", f"{LABEL}tomorrow", "1"])
async def test_an_app_of_somebody_else_is_left_alone(splunk: SplunkServer, label: str) -> None:
    splunk.kept.apps[APP] = label
    report = await tried(splunk)
    assert (report.status, "no trial has made" in (report.reason or "")) == ("skipped", True)
    assert splunk.kept.apps == {APP: label}


async def test_a_label_that_is_none_is_nobodys(splunk: SplunkServer) -> None:
    splunk.kept.apps[APP] = LABEL
    splunk.instead[f"GET /services/apps/local/{APP}"] = answering(200, entry(label=["x"]))
    assert (await tried(splunk)).status == "skipped"


LARGE = b"".join(b"[s%d]\nKV_MODE = none\n" % n for n in range(MAX_STANZAS + 1))
TOO_MUCH: dict[str, tuple[dict[str, bytes], str]] = {
    "stanzas": ({"default/props.conf": LARGE}, "stanzas"),
    "a lookup": ({"lookups/x.csv": b"a,b\n" * MAX_LOOKUP_BYTES}, "lookups/x.csv"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
async def test_a_package_that_is_too_large_for_it_is_not_tried(splunk: SplunkServer, name: str) -> None:
    files, word = TOO_MUCH[name]
    package = good_package()
    trial = trial_of(replace(package, files={**package.files, **files}))
    report = await tried(splunk, trial)
    assert (report.status, word in (report.reason or "")) == ("skipped", True)
    assert splunk.asked == []


async def test_a_sample_without_events_is_not_tried(splunk: SplunkServer) -> None:
    assert (await tried(splunk, replace(trial_of(good_package()), events=()))).status == "skipped"


async def test_texts_with_quotes_stay_texts_in_a_search(splunk: SplunkServer) -> None:
    package = good_package()
    lookup = b'code,action,severity\n1,"a ""b"" | delete \\",low\n'
    await tried(splunk, trial_of(replace(package, files={**package.files, "lookups/acme_vpn_actions.csv": lookup})))
    spoken = [each.form["search"] for each in splunk.calls(EXPORT)]
    assert spoken[0].startswith('| makeresults format=csv data="code,action,severity\n1,\\"a \\"\\"b')


async def test_a_file_without_authorities_is_said(splunk: SplunkServer, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("none")
    for file in ("empty.pem", "missing.pem"):
        report = await tried(splunk, ca_file=tmp_path / file)
        assert (report.status, "ADDONS_SPLUNK_CA_FILE" in (report.reason or "")) == ("broken", True)
    assert splunk.asked == []


async def test_the_certificate_is_checked_by_the_authorities_of_the_file(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path, "localhost")
    with SplunkServer(tls).running() as splunk:
        both = {"allowed_networks": "127.0.0.0/8,::1/128", "allow_http": False}
        refused = await tried(splunk, **both)
        assert (refused.status, splunk.asked) == ("broken", [])
        assert (await tried(splunk, **both, ca_file=tmp_path / "cert.pem")).status == "matched"


WRONG: dict[str, dict[str, object]] = {
    "no token": {"api_key": None},
    "plain http": {"url": "http://splunk.example:8089"},
    "a login": {"url": "https://admin:hunter2@splunk.example:8089"},
    "an index that is none": {"index": 'x" | delete'},
    "an index of Splunk": {"index": "_internal"},
    "a token of two lines": {"api_key": "hunter2\r\nX: 1"},
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_are_wrong_are_refused_without_a_secret(name: str) -> None:
    whole = {"url": "https://splunk.example:8089", "api_key": "hunter2"}
    assert "hunter2" not in repr(SplunkSandboxSettings.model_validate(whole))
    with pytest.raises(ValidationError) as caught:
        SplunkSandboxSettings.model_validate(whole | WRONG[name])
    assert "hunter2" not in " ".join(fault["msg"] for fault in caught.value.errors())


def test_nothing_is_needed() -> None:
    assert not Sandbox(SplunkSandboxSettings()).is_configured
    assert SplunkSandboxSettings(api_key=SecretStr("x")).url is None
