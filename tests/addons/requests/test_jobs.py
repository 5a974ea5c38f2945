"""Generation and validation by their jobs: resumable, idempotent, ended with the request, never stranded."""

import asyncio
import io
import os
import tarfile
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.addons.requests import work
from app.addons.requests.generating import Generation
from app.addons.requests.jobs import generate, tidy, validate
from app.addons.requests.revisions.models import TARevisionType, ValidationStatus
from app.addons.requests.revisions.packages import StoredPackage
from app.addons.requests.revisions.starting import Origin, Starting
from app.addons.requests.tracking.repository import RequestWrites
from app.addons.requests.validating import AllSlotsTaken, Ended, Validation
from app.addons.requests.work import AddonWork, BuiltPackage, CheckedPackage, WorkBrokenError, WorkRefused, WorkTooLong
from app.kernel.db.database import OperationClass
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, JobState, Superseded, Unwanted, enqueue, runs
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.kernel.storage.object_storage import StoredObject
from tests.addons.requests.steps import (
    LINES,
    REASON,
    ROOT,
    approved,
    claimed,
    completed,
    document,
    filed,
    sampled,
    shown,
    started,
    waiting_jobs,
    worked,
)
from tests.conftest import ClientOf


@pytest.mark.usefixtures("real_work")
async def test_an_approved_request_becomes_a_validated_package(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources
) -> None:
    request_id = await completed(requestor, approver, running)
    found = await shown(requestor, request_id)
    assert [step["to_status"] for step in found["history"]] == [
        "PENDING_APPROVAL", "APPROVED", "GENERATING_TA", "VALIDATING", "COMPLETED"
    ]  # fmt: skip
    assert set(found["actions"]) == {"revise"}
    (revision,) = document(await requestor.get(f"{ROOT}/{request_id}/revisions"), 200)["items"]
    assert (revision["version"], revision["type"], revision["made_by"]) == (1, "AUTO", "system")
    assert "default/props.conf" in revision["changes"]["added"]
    whole = document(await requestor.get(revision["links"]["self"]), 200)
    assert {each["path"] for each in whole["files"]} == set(revision["changes"]["added"])
    assert whole["report"] is not None
    archive = (await requestor.get(revision["links"]["download"])).content
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        assert f"{revision['package_name']}/default/props.conf" in opened.getnames()
    (run,) = document(await requestor.get(f"{ROOT}/{request_id}/validations"), 200)["items"]
    assert (run["number"], run["status"], run["revision_version"]) == (1, "PASSED", 1)
    report = document(await requestor.get(run["links"]["self"]), 200)["report"]
    assert report["passed"] is True


async def test_every_step_is_audited_and_announced(
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    running: Resources,
    owner: asyncpg.Connection,
) -> None:
    channel = {
        "name": "log",
        "channel_type": "webhook",
        "target": "https://hooks.example/x",
        "event_filter": ["addon:*"],
    }
    document(await admin.post("/system/notify/channels", json=channel), 201)
    request_id = await completed(requestor, approver, running)
    rows = await owner.fetch("SELECT action FROM spyne.audit_log WHERE action LIKE 'addon-%' ORDER BY id")
    assert [row["action"] for row in rows] == [
        "addon-request:create", "addon-sample:upload", "addon-request:submit", "addon-request:approve",
        "addon-request:generate", "addon-revision:create", "addon-validation:start", "addon-request:validate",
        "addon-validation:end", "addon-request:complete",
    ]  # fmt: skip
    await requestor.get(f"{ROOT}/{request_id}/revisions/1/download")
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'addon-revision:download'") == 1
    kinds = await owner.fetch("SELECT event FROM spyne.notification_outbox ORDER BY id")
    assert [row["event"] for row in kinds] == ["addon:submitted", "addon:approved", "addon:completed"]


async def test_a_sample_that_cannot_be_read_fails_the_request_with_the_reason(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> BuiltPackage:
        raise WorkRefused("A table of a spreadsheet: export it as CSV.", reason_code="unknown-format")

    with monkeypatch.context() as patch:
        patch.setattr(AddonWork, "build", refused)
        request_id = await approved(requestor, approver)
        await worked(running)
    found = await shown(requestor, request_id)
    assert (found["status"], found["reason_code"]) == ("FAILED", "unknown-format")
    assert "export it as CSV" in found["reason"]
    document(await requestor.post(f"{ROOT}/{request_id}/retry", json=REASON), 200)
    await worked(running)
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"


async def test_a_package_that_does_not_pass_fails_the_request_and_the_next_version_may(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failed(*_: Any) -> CheckedPackage:
        return CheckedPackage(passed=False, report={"passed": False, "faults": ["x"]})

    with monkeypatch.context() as patch:
        patch.setattr(AddonWork, "check", failed)
        request_id = await approved(requestor, approver)
        await worked(running)
    found = await shown(requestor, request_id)
    assert (found["status"], found["reason_code"]) == ("FAILED", "validation-failed")
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations/1"), 200)
    assert (run["status"], run["report"]["faults"]) == ("FAILED", ["x"])
    document(await requestor.post(f"{ROOT}/{request_id}/retry", json=REASON), 200)
    await worked(running)
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"
    versions = document(await requestor.get(f"{ROOT}/{request_id}/revisions"), 200)["items"]
    assert [each["version"] for each in versions] == [2, 1]
    assert versions[0]["changes"] == {"added": [], "removed": [], "modified": []}
    assert versions[0]["sha256"] == versions[1]["sha256"]


@pytest.mark.parametrize("name", ["addons:generate", "addons:validate"])
async def test_a_start_after_a_killed_one_goes_on_and_the_killed_one_harms_nothing(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection, name: str
) -> None:
    request_id = await approved(requestor, approver)
    if name == "addons:validate":
        await started(running, (await waiting_jobs(running))[0][0], "addons:generate")
    ((job_id, _),) = await waiting_jobs(running)
    old = await claimed(running, job_id)
    assert old is not None
    handler = generate if name == "addons:generate" else validate
    first = JobContext(running, old, OperationClass.WRITE)
    begin = (Generation if name == "addons:generate" else Validation)(first)
    assert await first.apply(begin._begin) is not None  # its worker dies here
    await owner.execute("UPDATE spyne.job_runs SET heartbeat_at = now() - interval '1 hour' WHERE id = $1", job_id)
    new = await claimed(running, job_id)
    assert new is not None
    with pytest.raises(Superseded):
        await handler(first)
    await handler(JobContext(running, new, OperationClass.WRITE))
    await handler(JobContext(running, new, OperationClass.WRITE))  # killed before its end was written, and again
    async with running.database.write(OperationClass.CONTROL) as session:
        await runs.finish(session, new, JobState.SUCCEEDED, None)
    await worked(running)
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"
    assert len(document(await requestor.get(f"{ROOT}/{request_id}/revisions"), 200)["items"]) == 1
    assert len(document(await requestor.get(f"{ROOT}/{request_id}/validations"), 200)["items"]) == 1


async def test_a_request_that_is_cancelled_while_it_is_worked_on_stays_cancelled(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = AddonWork.build
    request_id = await approved(requestor, approver)

    async def cancelled_meanwhile(self: AddonWork, *given: Any) -> BuiltPackage:
        document(await requestor.post(f"{ROOT}/{request_id}/cancel", json=REASON), 200)
        return await build(self, *given)

    monkeypatch.setattr(AddonWork, "build", cancelled_meanwhile)
    ((job_id, name),) = await waiting_jobs(running)
    await started(running, job_id, name)
    found = await shown(requestor, request_id)
    assert (found["status"], found["reason_code"]) == ("FAILED", "cancelled")
    assert document(await requestor.get(f"{ROOT}/{request_id}/revisions"), 200)["items"] == []
    assert [info.key async for info in running.storage.list(f"addons/{request_id}/revisions")] == []


@pytest.mark.parametrize("name", ["addons:generate", "addons:validate"])
async def test_a_job_that_is_cancelled_ends_its_request(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, name: str
) -> None:
    request_id = await approved(requestor, approver)
    if name == "addons:validate":
        await started(running, (await waiting_jobs(running))[0][0], "addons:generate")
    job = (await shown(requestor, request_id))["links"]["job"]
    document(await requestor.post(f"{job}/cancel", json=REASON), 202)
    found = await shown(requestor, request_id)
    assert (found["status"], found["reason_code"]) == ("FAILED", "cancelled")


async def test_what_a_job_left_behind_is_ended_by_the_tidying(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    generating_one = await approved(requestor, approver)
    await owner.execute("UPDATE spyne.job_runs SET state = 'dead' WHERE name = 'addons:generate'")
    validating_one = await approved(requestor, approver)
    await started(running, (await waiting_jobs(running))[0][0], "addons:generate")
    await owner.execute("UPDATE spyne.job_runs SET state = 'dead' WHERE name = 'addons:validate'")
    await tidied(running)
    for request_id in (generating_one, validating_one):
        found = await shown(requestor, request_id)
        assert (found["status"], found["reason_code"]) == ("FAILED", "addon-work-given-up")
    run = document(await requestor.get(f"{ROOT}/{validating_one}/validations/1"), 200)
    assert (run["status"], run["error_code"]) == ("FAILED", "addon-work-given-up")


async def tidied(resources: Resources) -> None:
    async with resources.database.write() as session:
        job_id = await enqueue(session, "addons:tidy", {}, actor=SYSTEM)
    claim = await claimed(resources, job_id)
    assert claim is not None
    await tidy(JobContext(resources, claim, OperationClass.WRITE))


async def test_objects_that_no_row_names_go_after_a_day(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    request_id = await completed(requestor, approver, running)
    strays = [f"addons/{request_id}/samples/{new_id()}", f"addons/{request_id}/revisions/{new_id()}", "addons/odd"]
    for key in strays:
        async with running.storage.writer(key) as writer:
            await writer.write(b"x")
    before = {info.key async for info in running.storage.list("addons")}
    await tidied(running)
    assert {info.key async for info in running.storage.list("addons")} == before
    await owner.execute("UPDATE spyne.job_runs SET state = 'succeeded'")
    root = running.settings.home / "objects"
    for key in before:
        times = root.joinpath(key).stat()
        os.utime(root / key, (times.st_atime - 90_000, times.st_mtime - 90_000))
    await tidied(running)
    assert {info.key async for info in running.storage.list("addons")} == before - set(strays)


async def test_no_more_runs_begin_than_there_are_slots_and_slots_of_the_dead_are_free(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    for _ in range(4):
        await approved(requestor, approver)
    for job_id, name in await waiting_jobs(running):
        await started(running, job_id, name)
    jobs = [job_id for job_id, _ in await waiting_jobs(running)]
    contexts = []
    for job_id in jobs:
        claim = await claimed(running, job_id)
        assert claim is not None
        contexts.append(JobContext(running, claim, OperationClass.WRITE))
    begun = await asyncio.gather(*(begins(each) for each in contexts))
    assert sorted(begun) == [False, False, True, True]
    first = next(context for context, done in zip(contexts, begun, strict=True) if done)
    waiting = next(context for context, done in zip(contexts, begun, strict=True) if not done)
    assert await begins(first)  # its own slot, again
    await owner.execute("UPDATE spyne.job_runs SET heartbeat_at = now() - interval '1 h' WHERE id = $1", first.run_id)
    assert await begins(waiting)
    assert await owner.fetchval("SELECT count(*) FROM spyne.addon_validation_runs WHERE status = 'RUNNING'") == 2
    with pytest.raises(AllSlotsTaken):
        await validate(first)


async def begins(context: JobContext) -> bool:
    try:
        return await context.apply(Validation(context)._begin) is not None
    except AllSlotsTaken:
        return False


async def test_two_generations_at_once_take_two_versions(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources
) -> None:
    request_id = UUID(await completed(requestor, approver, running))

    async def generated() -> int:
        async def work(session: Any) -> int:
            row = await RequestWrites(session).locked(request_id)
            assert row is not None
            stored = StoredPackage("TA-x", StoredObject(f"addons/{new_id()}", 1, "0" * 64), [])
            origin = Origin(TARevisionType.AUTO, report={}, job_id=new_id())
            return (await Starting(session).add_revision(SYSTEM, row, new_id(), stored, origin)).version

        return await running.database.run(work)

    assert sorted(await asyncio.gather(*(generated() for _ in range(5)))) == [2, 3, 4, 5, 6]


async def test_an_outsider_starts_no_validation_and_a_second_one_waits(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, as_role: ClientOf, running: Resources
) -> None:
    request_id = await filed(requestor)
    place = f"{ROOT}/{request_id}/validations"
    assert document(await requestor.post(place, json={}), 409)["code"] == "no-revision"
    request_id = await completed(requestor, approver, running)
    place = f"{ROOT}/{request_id}/validations"
    made = await requestor.post(place, json={})
    assert document(made, 202)["number"] == 2
    assert made.headers["Location"] == f"{place}/2"
    assert document(await requestor.post(place, json={"version": 1}), 409)["code"] == "validation-under-way"
    assert document(await requestor.post(place, json={"version": 9}), 404)["code"] == "addon-revision-not-found"
    assert document(await requestor.post(place, json={"version": 0}), 422)
    both = await as_role("APPROVER", "REQUESTOR")
    assert document(await both.post(place, json={}), 403)["code"] == "not-a-party"
    await worked(running)
    assert document(await requestor.get(f"{place}/2"), 200)["status"] == "PASSED"
    assert document(await requestor.get(f"{place}/3"), 404)["code"] == "addon-validation-not-found"
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"


async def test_without_samples_the_work_says_so(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, as_role: ClientOf, running: Resources
) -> None:
    request_id = await approved(requestor, approver)
    (sample,) = document(await requestor.get(f"{ROOT}/{request_id}/samples"), 200)["items"]
    admin = await as_role("ADMIN")
    assert (await admin.delete(f"{ROOT}/{request_id}/samples/{sample['id']}")).status_code == 204
    await worked(running)
    assert (await shown(requestor, request_id))["reason_code"] == "samples-gone"


@pytest.mark.usefixtures("real_work")
async def test_the_process_is_ended_at_its_time_limit_and_when_it_is_not_wanted(
    running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = running.settings.addons
    hasty = AddonWork(settings.model_copy(update={"work_seconds": 0.001}))
    with pytest.raises(WorkTooLong):
        await hasty.build(LINES, "acme", None)
    patient = asyncio.create_task(AddonWork(settings).build(LINES * 2_000, "acme", None))
    await asyncio.sleep(0)
    patient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await patient
    starved = AddonWork(settings.model_copy(update={"work_bytes": 1 << 20}))
    with pytest.raises(WorkBrokenError):
        await starved.build(LINES * 20_000, "acme", None)
    with pytest.raises(WorkRefused):
        await AddonWork(settings).check(b"no archive", LINES, None)
    monkeypatch.setattr(work, "MAX_REPORT_BYTES", 10)
    with pytest.raises(WorkRefused, match="report"):
        await AddonWork(settings).build(LINES, "acme", None)


async def test_several_samples_are_one_text(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bytes] = []

    async def noted(_: AddonWork, sample: bytes, *__: Any) -> BuiltPackage:
        given.append(sample)
        raise WorkRefused("enough")

    monkeypatch.setattr(AddonWork, "build", noted)
    for texts, wanted in (
        ((b"a\n", b"b"), b"a\nb\n"),
        (("größe\n".encode("latin-1"), b"b\n"), "größe\nb\n".encode()),
        (("é".encode("utf-16"), "ü".encode("utf-16")), "é\nü\n".encode("utf-16")),
    ):
        request_id = await filed(requestor)
        for text in texts:
            await sampled(requestor, request_id, text)
        document(await requestor.post(f"{ROOT}/{request_id}/submit"), 200)
        document(await approver.post(f"{ROOT}/{request_id}/approve", json=REASON), 200)
        await worked(running)
        assert given.pop() == wanted


async def test_a_job_without_a_request_is_harmless(running: Resources) -> None:
    for name, payload in (("addons:generate", {"request_id": new_id()}), ("addons:validate", {"run_id": new_id()})):
        async with running.database.write() as session:
            job_id = await enqueue(session, name, payload, actor=SYSTEM)
        try:
            await started(running, job_id, name)
        except Unwanted:
            pytest.fail("nothing was there to be unwanted")


async def test_a_worker_that_was_silent_for_a_lease_and_lives_ends_its_run(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    """Its slot is another's by then; what it has found is not lost, and nobody is at the run beside it."""
    requests = [await approved(requestor, approver) for _ in range(3)]
    for job_id, name in await waiting_jobs(running):
        await started(running, job_id, name)
    contexts = []
    for job_id, _ in await waiting_jobs(running):
        claim = await claimed(running, job_id)
        assert claim is not None
        contexts.append(JobContext(running, claim, OperationClass.WRITE))
    assert [await begins(each) for each in contexts] == [True, True, False]
    silent = Validation(contexts[0])
    await owner.execute(
        "UPDATE spyne.job_runs SET heartbeat_at = now() - interval '1 h' WHERE id = $1", contexts[0].run_id
    )
    assert await begins(contexts[2])
    await silent._end(Ended(ValidationStatus.PASSED, {"passed": True}))
    assert (await shown(requestor, requests[0]))["status"] == "COMPLETED"
    assert await owner.fetchval("SELECT count(*) FROM spyne.addon_validation_runs WHERE status = 'RUNNING'") == 2
    with pytest.raises(Unwanted):
        await silent._end(Ended(ValidationStatus.FAILED))
