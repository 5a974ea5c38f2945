"""Revisions over HTTP: uploaded, refused with the entry named, downloaded, compared; what retention leaves of them."""

import asyncio
import gzip
import io
import tarfile
from typing import Any

import asyncpg
import httpx
import pytest

from app.addons.package.archives import read_archive, write_archive
from app.addons.package.files import Package
from app.addons.requests.work import AddonWork, CheckedPackage
from app.kernel.runtime.resources import Resources
from tests.addons.requests.steps import ROOT, approved, completed, document, filed, shown, worked
from tests.conftest import ClientOf
from tests.operations.retention.steps import ran


async def downloaded(client: httpx.AsyncClient, request_id: str, version: int = 1, **params: str) -> httpx.Response:
    answer = await client.get(f"{ROOT}/{request_id}/revisions/{version}/download", params=params)
    assert answer.status_code == 200, answer.text
    return answer


async def sent(client: httpx.AsyncClient, request_id: str, archive: bytes, **params: str) -> httpx.Response:
    files = {"file": ("TA.tar.gz", archive)}
    return await client.post(f"{ROOT}/{request_id}/revisions", files=files, params=params)


def edited(archive: bytes, **files: bytes) -> bytes:
    package = read_archive(archive)
    changed = dict(package.files) | {f"default/{name}.conf": content for name, content in files.items()}
    return write_archive(Package(package.name, changed))


async def test_an_edited_package_becomes_the_next_version_and_decides(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    request_id = await completed(requestor, approver, running)
    archive = (await downloaded(requestor, request_id)).content
    answer = await sent(requestor, request_id, edited(archive, props=b"[acme:vpn]\nTRUNCATE = 0\n"), note="no cut")
    made = document(answer, 201)
    assert answer.headers["Location"] == f"{ROOT}/{request_id}/revisions/2"
    assert (made["version"], made["type"], made["note"], made["report"]) == (2, "MANUAL", "no cut", None)
    assert made["changes"] == {"added": [], "removed": [], "modified": ["default/props.conf"]}
    assert (await shown(requestor, request_id))["status"] == "VALIDATING"
    await worked(running)
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"
    diff = document(await requestor.get(f"{ROOT}/{request_id}/revisions/1/diff/2"), 200)
    assert [(each["path"], each["change"]) for each in diff["files"]] == [("default/props.conf", "modified")]
    assert "+TRUNCATE = 0\n" in diff["files"][0]["diff"]
    assert document(await requestor.get(f"{ROOT}/{request_id}/revisions/2/diff/2"), 200)["files"] == []
    rows = await owner.fetch("SELECT action FROM spyne.audit_log WHERE entity_type = 'addon_revision' ORDER BY id")
    assert [row["action"] for row in rows] == [
        "addon-revision:create", "addon-revision:download", "addon-revision:upload"
    ]  # fmt: skip


async def test_a_download_is_the_archive_under_either_ending(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources
) -> None:
    request_id = await completed(requestor, approver, running)
    plain, spl = [await downloaded(requestor, request_id, ending=ending) for ending in ("tar.gz", "spl")]
    assert plain.content == spl.content
    assert plain.headers["ETag"] == spl.headers["ETag"]
    assert plain.headers["Content-Disposition"].endswith('-v1.tar.gz"')
    assert spl.headers["Content-Disposition"].endswith('-v1.spl"')
    assert read_archive(plain.content).files
    place = f"{ROOT}/{request_id}/revisions/1"
    assert (await requestor.get(f"{place}/download?ending=zip")).status_code == 422
    file = await requestor.get(f"{place}/files/default/app.conf")
    assert file.content == read_archive(plain.content).files["default/app.conf"]
    assert file.headers["Content-Type"] == "text/plain; charset=utf-8"
    for path in ("default/none.conf", "../../etc/passwd", "default", "%2e%2e/x"):
        answer = await requestor.get(f"{place}/files/{path}")
        assert answer.status_code == 404, path
    assert document(await requestor.get(f"{ROOT}/{request_id}/revisions/9"), 404)["code"] == "addon-revision-not-found"
    assert (await requestor.get(f"{ROOT}/{request_id}/revisions/0")).status_code == 422


def tar(*entries: tuple[str, bytes | None, bytes]) -> bytes:
    """An archive of entries: name, content, type."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content, kind in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content or b""), "/etc/passwd"
            archive.addfile(info, io.BytesIO(content or b""))
    return target.getvalue()


HOSTILE: dict[str, bytes] = {
    "no archive": b"hello",
    "nothing": b"",
    "a link": tar(("TA-Add-on_for_the_Acme_VPN/default/x", None, tarfile.SYMTYPE)),
    "a way out": tar(("../x", b"x", tarfile.REGTYPE)),
    "an absolute name": tar(("/etc/passwd", b"x", tarfile.REGTYPE)),
    "a device": tar(("TA-x/default/null", None, tarfile.CHRTYPE)),
    "a bomb": gzip.compress(bytes(80 << 20), 9),
    "another add-on": write_archive(Package("TA-other", {"default/app.conf": b"[a]\n"})),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_package_that_cannot_be_taken_is_refused_and_leaves_nothing(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, name: str
) -> None:
    request_id = await completed(requestor, approver, running)
    before = sorted([info.key async for info in running.storage.list("addons")])
    problem = document(await sent(requestor, request_id, HOSTILE[name]), 422)
    assert problem["code"] == "invalid-package"
    assert [fault["pointer"] for fault in problem["faults"]] == ["/file"]
    assert sorted([info.key async for info in running.storage.list("addons")]) == before
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"


async def test_a_package_of_another_request_or_at_another_time_is_not_taken(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, as_role: ClientOf, running: Resources
) -> None:
    request_id = await completed(requestor, approver, running)
    archive = (await downloaded(requestor, request_id)).content
    assert document(await sent(requestor, await filed(requestor), archive), 409)["code"] == "wrong-status"
    waiting = await approved(requestor, approver)
    assert document(await sent(requestor, waiting, archive), 409)["code"] == "wrong-status"
    assert (await sent(await as_role("REQUESTOR"), request_id, archive)).status_code == 404
    both = await as_role("REQUESTOR", "APPROVER")
    assert document(await sent(both, request_id, archive), 403)["code"] == "not-a-party"
    assert document(await sent(await as_role("ADMIN"), request_id, archive), 201)["version"] == 2
    assert (await sent(requestor, request_id, archive, note=" ")).status_code == 422


async def test_two_uploads_at_once_are_two_versions_and_the_later_decides(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await completed(requestor, approver, running)
    archive = (await downloaded(requestor, request_id)).content
    answers = await asyncio.gather(*(sent(requestor, request_id, archive) for _ in range(3)))
    assert sorted(document(answer, 201)["version"] for answer in answers) == [2, 3, 4]

    async def checked(*_: Any) -> CheckedPackage:
        count.append(1)
        return CheckedPackage(passed=len(count) == 3, report={})

    count: list[int] = []
    monkeypatch.setattr(AddonWork, "check", checked)
    await worked(running)
    assert len(count) == 3
    found = await shown(requestor, request_id)
    assert found["status"] == "COMPLETED"
    assert [step["action"] for step in found["history"]][-4:] == ["revise", "revise", "revise", "complete"]


async def test_retention_takes_what_is_large_and_leaves_what_is_known(
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    running: Resources,
    owner: asyncpg.Connection,
) -> None:
    request_id = await completed(requestor, approver, running)
    await approved(requestor, approver)  # of a request that goes on nothing is taken
    for table in ("addon_samples", "addon_revisions", "addon_validation_runs"):
        await owner.execute(f"UPDATE spyne.{table} SET created_at = now() - interval '9 years'")
    for category in ("addon_validation_reports", "addon_packages", "addon_samples"):
        await ran(running, admin, category)
    place = f"{ROOT}/{request_id}"
    assert document(await requestor.get(f"{place}/samples"), 200)["items"] == []
    assert document(await requestor.get(f"{place}/validations/1"), 200)["report"] is None
    revision = document(await requestor.get(f"{place}/revisions/1"), 200)
    assert set(revision["links"]) == {"self"}
    assert document(await requestor.get(f"{place}/revisions/1/download"), 410)["code"] == "package-gone"
    assert document(await requestor.get(f"{place}/revisions/1/files/default/app.conf"), 410)["code"] == "package-gone"
    assert document(await requestor.get(f"{place}/revisions/1/diff/1"), 410)["code"] == "package-gone"
    kept = [info.key async for info in running.storage.list("addons")]
    assert len(kept) == 1
    assert request_id not in kept[0]
    document(await requestor.post(f"{place}/validations", json={}), 202)
    await worked(running)
    assert document(await requestor.get(f"{place}/validations/2"), 200)["error_code"] == "samples-gone"
    assert (await shown(requestor, request_id))["status"] == "COMPLETED"
