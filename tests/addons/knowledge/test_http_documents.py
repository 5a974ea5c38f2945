"""Documents over HTTP: taken by their content, changed under their ETag, removed softly; each refusal says why."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from app.addons.knowledge.jobs import ABANDONED_AFTER, tidy
from app.addons.knowledge.upload_form import FORM_BYTES
from app.addons.knowledge.uploading import MAX_BYTES
from app.kernel.runtime.resources import Resources
from app.middleware.table import KNOWLEDGE_BYTES
from tests.addons.knowledge.reading import pdfs
from tests.addons.knowledge.steps import PATH, found, upload, uploaded
from tests.conftest import ClientOf

GUIDE = "# Traffic log\n\nOne line per session.\n\n## Fields\n\n| Field | Meaning |\n|---|---|\n| src_ip | Client |\n"


@pytest.fixture
async def manager(as_role: ClientOf) -> httpx.AsyncClient:
    return await as_role("KNOWLEDGE_MANAGER")


@pytest.fixture
async def requestor(as_role: ClientOf) -> httpx.AsyncClient:
    return await as_role("REQUESTOR")


async def test_an_upload_is_stored_read_and_audited(
    manager: httpx.AsyncClient, owner: asyncpg.Connection, resources_of_app: Resources
) -> None:
    answer = await upload(manager, GUIDE, title="Acme", source="https://acme.example", metadata='{"version": "7"}')
    made = answer.json()
    assert answer.status_code == 201
    assert (answer.headers["etag"], answer.headers["location"]) == (f'"{made["id"]}-1"', f"{PATH}/{made['id']}")
    assert (made["title"], made["media_type"], made["passages"]) == ("Acme", "text/markdown", 2)
    assert (made["metadata"], made["kind"], made["is_active"]) == ({"version": "7"}, "vendor", True)
    shown = (await manager.get(f"{PATH}/{made['id']}")).json()
    assert [each["headings"] for each in shown["content"]] == [["Traffic log"], ["Traffic log", "Fields"]]
    assert shown["content"][1]["text"] == "Field | Meaning\nsrc_ip | Client"
    key = await owner.fetchval("SELECT object_key FROM spyne.knowledge_documents")
    assert b"".join([block async for block in resources_of_app.storage.get_stream(key)]) == GUIDE.encode()
    assert await owner.fetch(
        "SELECT action, entity_label FROM spyne.audit_log WHERE entity_type = $1", "knowledge-document"
    ) == [("knowledge-document:create", "Acme")]


@pytest.mark.parametrize(
    ("content", "name", "claimed", "media_type", "title"),
    [
        (GUIDE, "x.markdown", "text/markdown", "text/markdown", "Traffic log"),
        (GUIDE, "x.markdown", None, "text/markdown", "Traffic log"),
        ("c-ip: client", "fields.txt", "text/plain; charset=utf-8", "text/plain", "fields.txt"),
        ("c-ip: client", "", None, "text/plain", "Untitled"),
        ("<title>Manual</title><p>c-ip</p>", "x.html", "text/html", "text/html", "Manual"),
        ("<p>c-ip</p>", "x.html", None, "text/html", "x.html"),
        ("<!-- c --><!DOCTYPE html><p>c-ip", "x.bin", None, "text/html", "x.bin"),
        (pdfs.pdf([["c-ip is the client"]], title="Paper"), "x.pdf", "application/pdf", "application/pdf", "Paper"),
        (b"\xef\xbb\xbfc-ip \xe2\x80\xa6", "x.txt", None, "text/plain", "x.txt"),
        ("c-ip".encode("utf-16"), "x.txt", None, "text/plain", "x.txt"),
        (b"Gr\xf6\xdfe in bytes", "x.txt", None, "text/plain", "x.txt"),
    ],
)
async def test_the_content_decides_what_a_file_is(
    manager: httpx.AsyncClient, content: bytes | str, name: str, claimed: str | None, media_type: str, title: str
) -> None:
    answer = await upload(manager, content, name or "file", claimed)
    assert answer.status_code == 201, answer.text
    assert answer.json()["media_type"] == media_type
    assert answer.json()["title"] == (title if name else "file")


@pytest.mark.parametrize(
    ("content", "claimed", "status", "code"),
    [
        (b"PK\x03\x04" + b"\0" * 100, None, 415, "document-not-taken"),
        (b"\x1f\x8b\x08" + b"\0" * 100, "text/plain", 415, "document-not-taken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/pdf", 415, "document-not-taken"),
        (b"{\\rtf1 text}", None, 415, "document-not-taken"),
        (b"a" * 257 + b"ustar\0", None, 415, "document-not-taken"),
        (b"text\0text", "text/plain", 415, "document-not-taken"),
        (GUIDE, "application/pdf", 415, "document-not-taken"),
        (GUIDE, "application/msword", 415, "document-not-taken"),
        (GUIDE, "text/html", 415, "document-not-taken"),
        ("<!doctype html><p>x", "text/markdown", 415, "document-not-taken"),
        ("<!doctype html><p>x", "application/pdf", 415, "document-not-taken"),
        (pdfs.pdf([["x"]]), "text/plain", 415, "document-not-taken"),
        (b"%PDF-1.7\nnothing", "application/pdf", 422, "unreadable-document"),
        (b"", "text/plain", 422, "unreadable-document"),
        ("<html><script>x</script>", "text/html", 422, "unreadable-document"),
    ],
)
async def test_what_is_no_document_is_refused_and_nothing_is_kept(
    manager: httpx.AsyncClient,
    resources_of_app: Resources,
    content: bytes | str,
    claimed: str | None,
    status: int,
    code: str,
) -> None:
    answer = await upload(manager, content, "x", claimed)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await manager.get(PATH)).json()["items"] == []
    assert [info async for info in resources_of_app.storage.list("knowledge/")] == []


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"title": ""}, [("/title", "string-too-short")]),
        ({"title": "\u200b"}, [("/title", "value-error")]),
        ({"title": "x" * 201}, [("/title", "string-too-long")]),
        ({"kind": "novel"}, [("/kind", "enum")]),
        ({"metadata": "{"}, [("/metadata", "json-invalid")]),
        ({"metadata": '{"a b": "x"}'}, [("/metadata/a b/[key]", "string-pattern-mismatch")]),
        ({"metadata": '{"a": 1}'}, [("/metadata/a", "string-type")]),
        ({"colour": "red"}, [("/colour", "extra-forbidden")]),
    ],
)
async def test_faults_of_the_fields_are_listed(
    manager: httpx.AsyncClient, fields: dict[str, str], faults: list[tuple[str, str]]
) -> None:
    answer = await upload(manager, GUIDE, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-upload")
    assert [(each["pointer"], each["code"]) for each in answer.json()["faults"]] == faults


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"--b--\r\n", {"Content-Type": "multipart/form-data"}, 400),
        (b"nonsense", BOUNDARY, 400),
        (b"--b--\r\n", BOUNDARY, 422),
        (b"", BOUNDARY, 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--b--\r\n', BOUNDARY, 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ntext', BOUNDARY, 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
            BOUNDARY,
            400,
        ),
        (b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\nx\r\n' * 20 + b"--b--\r\n", BOUNDARY, 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + b"x" * 20_000 + b"\r\n--b--\r\n",
            BOUNDARY,
            400,
        ),
        (b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n", BOUNDARY, 400),
        (b"--b--\r\n", BOUNDARY | {"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_forms_that_are_none_are_refused(
    manager: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await manager.post(PATH, content=body, headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_file_that_is_too_large_is_refused(manager: httpx.AsyncClient) -> None:
    assert KNOWLEDGE_BYTES == FORM_BYTES, "the door lets in what the form may have"
    answer = await upload(manager, b"x" * (MAX_BYTES + 1), "x.txt")
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, MAX_BYTES)
    answer = await upload(manager, b"x" * (MAX_BYTES + 200_000), "x.txt")
    assert answer.status_code == 413


async def test_one_content_is_active_once(manager: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(upload(manager, GUIDE, title=f"Copy {number}") for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    first = next(answer.json() for answer in answers if answer.status_code == 201)
    assert {answer.json().get("document_id") for answer in answers} == {None, first["id"]}
    assert (await manager.delete(f"{PATH}/{first['id']}")).status_code == 200
    second = await uploaded(manager, GUIDE)
    again = await manager.patch(f"{PATH}/{first['id']}", json={"is_active": True})
    assert (again.status_code, again.json()["document_id"]) == (409, second["id"])


async def test_a_removed_document_is_found_by_nobody_and_seen_by_its_managers(
    manager: httpx.AsyncClient, requestor: httpx.AsyncClient
) -> None:
    made = await uploaded(manager, GUIDE)
    place = f"{PATH}/{made['id']}"
    assert len(await found(requestor, "src_ip")) == 1
    removed = (await manager.delete(place)).json()
    assert (removed["is_active"], removed["version"], removed["deactivated_at"] is None) == (False, 2, False)
    assert (await manager.delete(place)).json() == removed, "again is no change"
    assert await found(requestor, "src_ip") == []
    assert (await requestor.get(place)).status_code == 404
    assert (await manager.get(place)).status_code == 200
    for client, count in ((requestor, 0), (manager, 1)):
        assert len((await client.get(PATH, params={"active": "false"})).json()["items"]) == count
        assert (await client.get(PATH)).json()["items"] == []
    assert (await manager.patch(place, json={"is_active": True})).json()["deactivated_at"] is None
    assert len(await found(requestor, "src_ip")) == 1


async def test_changes_are_made_under_the_etag(manager: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    made = await uploaded(manager, GUIDE)
    place, first = f"{PATH}/{made['id']}", f'"{made["id"]}-1"'
    changed = await manager.patch(place, json={"title": "Zebra", "source": "here"}, headers={"If-Match": first})
    assert (changed.status_code, changed.headers["etag"]) == (200, f'"{made["id"]}-2"')
    stale = await manager.patch(place, json={"title": "Other"}, headers={"If-Match": first})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert (await manager.delete(place, headers={"If-Match": first})).status_code == 412
    assert len(await found(manager, "zebra src_ip")) == 1, "found by its new title"
    assert (await manager.patch(place, json={"source": None})).json()["source"] is None
    rows = await owner.fetch("SELECT action, after FROM spyne.audit_log WHERE action ~ '^knowledge' ORDER BY id")
    assert [row["action"].partition(":")[2] for row in rows] == ["create", "update", "update"]


@pytest.mark.parametrize("body", [{}, {"title": None}, {"is_active": None}, {"title": " "}, {"kind": "notes"}])
async def test_changes_that_say_nothing_are_refused(manager: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = await uploaded(manager, GUIDE)
    assert (await manager.patch(f"{PATH}/{made['id']}", json=body)).status_code == 422


async def test_passages_come_in_parts(manager: httpx.AsyncClient) -> None:
    made = await uploaded(manager, "".join(f"# Part {number}\n\ntext\n\n" for number in range(5)))
    seen, begin = [], 1
    while begin is not None:
        page = (await manager.get(f"{PATH}/{made['id']}", params={"from_ordinal": begin, "limit": 2})).json()
        seen += [each["ordinal"] for each in page["content"]]
        begin = page["next_ordinal"]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("roles", "reads", "writes"),
    [("REQUESTOR", 200, 403), ("APPROVER", 200, 403), ("KNOWLEDGE_MANAGER", 200, 201), ("ENGINEER", 403, 403)],
)
async def test_who_reads_and_who_writes(as_role: ClientOf, roles: str, reads: int, writes: int) -> None:
    client = await as_role(roles)
    assert (await client.get(PATH)).status_code == reads
    assert (await upload(client, GUIDE)).status_code == writes


async def test_files_of_nobody_are_tidied_away(
    manager: httpx.AsyncClient, resources_of_app: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await uploaded(manager, GUIDE)
    storage = resources_of_app.storage
    async with storage.writer("knowledge/of-nobody") as writer:
        await writer.write(b"left behind")
    monkeypatch.setattr("app.addons.knowledge.jobs.ABANDONED_AFTER", -ABANDONED_AFTER)

    class Context:
        resources, database = resources_of_app, resources_of_app.database

        async def progress(self, **facts: Any) -> None:
            assert facts == {"removed": 1}

    await tidy(Context())  # type: ignore[arg-type]  # what the job uses of a context
    assert [info.key async for info in storage.list("knowledge/")] == [f"knowledge/{made['id']}"]
