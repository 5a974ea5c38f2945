"""Samples over HTTP: taken in at flat memory or refused with a reason; nothing is left of what was not taken."""

import asyncio
import codecs
import gzip
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.requests import ClientDisconnect

from app.addons.requests.samples.form import OneFileForm
from app.addons.requests.samples.service import MAX_SAMPLES, SampleUploads
from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind, Permission
from app.kernel.storage.object_storage import StorageUnavailable
from tests.addons.requests.steps import LINES, REASON, ROOT, document, filed, sampled, submitted
from tests.conftest import ClientOf

MIB = 1 << 20
LIMIT = 50 * MIB
BOUNDARY = "spyne-test-boundary"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.log"\r\n\r\n'.encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
LINE = b"2026-03-01T12:00:00Z gw1 vpn[17]: user=u1 src=10.0.0.1 action=login result=ok bytes=4711 took=12 ms\n"


async def objects(resources: Resources) -> list[str]:
    """What is stored, published or not."""
    root = resources.settings.home / "objects"
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


async def form(size: int, end: bytes = TAIL) -> AsyncIterator[bytes]:
    """A form whose file has so many bytes, in pieces of 64 KiB."""
    block = (LINE * (65_536 // len(LINE) + 1))[:65_536]
    yield HEAD
    for start in range(0, size, len(block)):
        yield block[: min(len(block), size - start)]
    yield end


async def posted(client: httpx.AsyncClient, request_id: str, content: Any, **headers: str) -> httpx.Response:
    return await client.post(f"{ROOT}/{request_id}/samples", content=content, headers=FORM | headers)


async def test_a_sample_is_kept_as_it_is(requestor: httpx.AsyncClient, running: Resources) -> None:
    request_id = await filed(requestor)
    found = await sampled(requestor, request_id)
    assert found["sha256"] == hashlib.sha256(LINES).hexdigest()
    assert (found["bytes"], found["lines"], found["encoding"]) == (len(LINES), 60, "utf-8")
    assert LINES.decode().startswith(found["head"])
    assert document(await requestor.get(f"{ROOT}/{request_id}/samples"), 200)["items"] == [found]
    (key,) = [info.key async for info in running.storage.list("addons")]
    assert b"".join([block async for block in running.storage.get_stream(key)]) == LINES


@pytest.mark.parametrize(
    ("data", "encoding", "size"),
    [
        (gzip.compress(LINES, mtime=0), "utf-8", len(LINES)),
        (codecs.BOM_UTF16_LE + "größe\n".encode("utf-16-le"), "utf-16-le", 14),
        ("größe\n".encode("latin-1"), "latin-1", 6),
        ("5 €\n".encode("cp1252"), "cp1252", 4),
    ],
)
async def test_gzip_and_encodings_are_told_by_looking(
    requestor: httpx.AsyncClient, data: bytes, encoding: str, size: int
) -> None:
    found = await sampled(requestor, await filed(requestor), data)
    assert (found["encoding"], found["bytes"]) == (encoding, size)


async def test_50_mib_come_in_at_flat_memory_and_no_byte_more(requestor: httpx.AsyncClient, running: Resources) -> None:
    request_id = await filed(requestor)
    document(await posted(requestor, request_id, form(MIB)), 201)  # what is imported and cached by the first one
    tracemalloc.start()
    try:
        found = document(await posted(requestor, request_id, form(LIMIT)), 201)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["bytes"] == LIMIT
    assert peak < 20 * MIB, peak
    before = await objects(running)
    problem = document(await posted(requestor, request_id, form(LIMIT + 1)), 413)
    assert problem["code"] in {"sample-too-large", "content-too-large"}
    assert document(await posted(requestor, request_id, form(LIMIT + 2 * MIB)), 413)["code"] == "content-too-large"
    assert await objects(running) == before


TAR = b"app.log".ljust(257, b"\x00") + b"ustar\x0000".ljust(255, b"\x00") + LINES

REFUSED = {
    "a bomb": ({"file": ("a.gz", gzip.compress(bytes(60 * MIB), 1))}, 422, "binary"),
    "a bomb of text": ({"file": ("a.gz", gzip.compress(b"a line\n" * (8 * MIB), 1))}, 413, None),
    "a picture": ({"file": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(99))}, 422, "binary"),
    "tar within gzip": ({"file": ("a.tgz", gzip.compress(TAR))}, 422, "binary"),
    "a NUL byte": ({"file": ("a.log", b"abc\x00")}, 422, "binary"),
    "nothing": ({"file": ("a.log", b"")}, 422, "empty"),
    "broken gzip": ({"file": ("a.gz", gzip.compress(LINES)[:-9])}, 422, "malformed-gzip"),
    "another part": ({"sample": ("a.log", LINES)}, 422, "no-file"),
    "two parts": ({"file": ("a.log", LINES), "more": ("b.log", LINES)}, 422, "several-parts"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_leaves_nothing(requestor: httpx.AsyncClient, running: Resources, name: str) -> None:
    files, status, code = REFUSED[name]
    request_id = await filed(requestor)
    problem = document(await requestor.post(f"{ROOT}/{request_id}/samples", files=files), status)
    if code is not None:
        assert [fault["code"] for fault in problem["faults"]] == [code]
    assert await objects(running) == []
    assert document(await requestor.get(f"{ROOT}/{request_id}/samples"), 200)["items"] == []


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": "application/json"}, {}])
async def test_what_is_no_form_is_refused(requestor: httpx.AsyncClient, headers: dict[str, str]) -> None:
    request_id = await filed(requestor)
    answer = await requestor.post(f"{ROOT}/{request_id}/samples", content=LINES, headers=headers)
    assert document(answer, 415)["code"] == "not-a-form"
    assert "curl" in answer.json()["detail"]


async def test_an_upload_that_breaks_off_leaves_nothing(requestor: httpx.AsyncClient, running: Resources) -> None:
    request_id = await filed(requestor)
    assert document(await posted(requestor, request_id, form(MIB, b"")), 422)["faults"][0]["code"] == "cut-short"

    async def broken() -> AsyncIterator[bytes]:
        async for piece in form(9 * MIB, b""):
            yield piece
        raise ClientDisconnect

    uploads = running.build(SampleUploads)
    me = document(await requestor.get("/api/auth/me"), 200)
    actor = Actor(ActorKind.USER, me["id"], me["name"], permissions=frozenset({Permission.ADDONS_REQUEST}))
    with pytest.raises((ClientDisconnect, Problem)):
        await uploads.upload(actor, request_id, OneFileForm(broken(), FORM["Content-Type"]))  # type: ignore[arg-type]
    assert await objects(running) == []


async def test_a_sample_that_comes_too_late_leaves_nothing(requestor: httpx.AsyncClient, running: Resources) -> None:
    """The request is submitted while the bytes come."""
    request_id = await filed(requestor)
    await sampled(requestor, request_id)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield HEAD + LINES
        begun.set()
        await go_on.wait()
        yield TAIL

    upload = asyncio.create_task(posted(requestor, request_id, slow()))
    await begun.wait()
    document(await requestor.post(f"{ROOT}/{request_id}/submit"), 200)
    go_on.set()
    assert document(await upload, 409)["code"] == "wrong-status"
    assert len(await objects(running)) == 1


async def test_nothing_is_added_to_what_waits_for_approval(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, as_role: ClientOf
) -> None:
    request_id = await submitted(requestor)
    (sample,) = document(await approver.get(f"{ROOT}/{request_id}/samples"), 200)["items"]
    place = f"{ROOT}/{request_id}/samples/{sample['id']}"
    files = {"file": ("a.log", LINES)}
    assert document(await requestor.post(f"{ROOT}/{request_id}/samples", files=files), 409)["code"] == "wrong-status"
    assert document(await requestor.delete(place), 409)["code"] == "wrong-status"
    assert (await approver.delete(place)).status_code == 403
    assert (await (await as_role("REQUESTOR")).delete(place)).status_code == 404
    admin = await as_role("ADMIN")
    assert document(await admin.post(f"{ROOT}/{request_id}/samples", files=files), 403)["code"] == "not-a-party"
    assert (await admin.delete(place)).status_code == 204


async def test_a_deleted_sample_is_gone_and_its_text_waits_for_retention(
    requestor: httpx.AsyncClient, running: Resources, owner: asyncpg.Connection
) -> None:
    request_id = await filed(requestor)
    place = f"{ROOT}/{request_id}/samples/{(await sampled(requestor, request_id))['id']}"
    assert (await requestor.delete(place)).status_code == 204
    assert document(await requestor.delete(place), 404)["code"] == "addon-sample-not-found"
    assert document(await requestor.get(f"{ROOT}/{request_id}/samples"), 200)["items"] == []
    assert document(await requestor.post(f"{ROOT}/{request_id}/submit"), 409)["code"] == "no-samples"
    assert await owner.fetchval("SELECT deleted_at FROM spyne.addon_samples") is not None
    assert len(await objects(running)) == 1
    rows = await owner.fetch("SELECT action FROM spyne.audit_log WHERE entity_type = 'addon_sample' ORDER BY id")
    assert [row["action"] for row in rows] == ["addon-sample:upload", "addon-sample:delete"]


async def test_a_request_has_few_samples(requestor: httpx.AsyncClient) -> None:
    request_id = await filed(requestor)
    for _ in range(MAX_SAMPLES - 1):
        await sampled(requestor, request_id)
    files = {"file": ("a.log", LINES)}
    answers = await asyncio.gather(*(requestor.post(f"{ROOT}/{request_id}/samples", files=files) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert (await requestor.post(f"{ROOT}/{request_id}/cancel", json=REASON)).status_code == 200


async def test_a_storage_that_is_away_answers_503(
    requestor: httpx.AsyncClient, running: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise StorageUnavailable

    request_id = await filed(requestor)
    monkeypatch.setattr(running.storage, "writer", away)
    answer = await requestor.post(f"{ROOT}/{request_id}/samples", files={"file": ("a.log", LINES)})
    assert document(answer, 503)["code"] == StorageUnavailable.code
