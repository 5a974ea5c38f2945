"""Proofs, checkpoints, verification and the whole log as NDJSON, as a stranger sees them."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI

from app.audit import router
from app.audit.log.repository import AuditReads
from app.audit.seals import walking
from app.audit.verification import verify_database
from app.kernel.runtime.resources import Resources
from tests.audit.logs import sealer, tell
from tests.audit.verification.tampering import unguard
from tests.conftest import ClientOf

UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def told(app: FastAPI) -> Resources:
    resources: Resources = app.state.resources
    return resources


def check(document: dict[str, Any], prefix: str, key: str) -> None:
    """The signature, with nothing of ours. Raises InvalidSignature."""
    signed = {name: value for name, value in document.items() if name != "signature"}
    content = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    public.verify(bytes.fromhex(document["signature"]), prefix.encode() + b"\n" + content)


def root(leaf: bytes, index: int, size: int, path: list[str]) -> bytes:
    """RFC 9162 section 2.1.3.2, steps 2 to 4."""
    fn, sn, r = index, size - 1, leaf
    for p in map(bytes.fromhex, path):
        assert sn != 0
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


async def things(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await client.get("/api/audit?entity_type=thing&limit=500")).json()["items"])


async def test_a_stranger_verifies_a_proof(admin: httpx.AsyncClient, told: Resources) -> None:
    await tell(told, 13)
    await sealer(told).seal_waiting()
    for entry in await things(admin):
        answer = await admin.get(f"/api/audit/{entry['id']}/proof")
        assert answer.status_code == 200, answer.text
        proof = answer.json()
        leaf = hashlib.sha256(b"\x00" + proof["content"].encode()).digest()
        assert leaf.hex() == proof["leaf_hash"]
        assert root(leaf, proof["leaf_index"], proof["tree_size"], proof["path"]).hex() == proof["root"]
        assert proof["seal"]["root"] == proof["root"]
        assert proof["seal"]["count"] == proof["tree_size"]
        check(proof["seal"], "spyne-audit-seal:1", proof["public_key"])
        assert proof["seal"]["key"] == hashlib.sha256(bytes.fromhex(proof["public_key"])).hexdigest()
        content = json.loads(proof["content"], parse_float=Decimal)
        assert (content["id"], content["entity_id"]) == (entry["id"], entry["entity"]["id"])
        assert (content["before"], content["after"]) == (entry["before"], entry["after"])
    proof["seal"]["count"] += 1
    with pytest.raises(InvalidSignature):
        check(proof["seal"], "spyne-audit-seal:1", proof["public_key"])


async def test_what_has_no_proof(admin: httpx.AsyncClient, told: Resources, owner: asyncpg.Connection) -> None:
    await tell(told)
    (entry,) = await things(admin)
    url = f"/api/audit/{entry['id']}"
    assert (await admin.get(url)).json() == entry
    answer = await admin.get(f"{url}/proof")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (409, "not-sealed-yet", "1")
    for path in (f"/api/audit/{UNKNOWN}", f"/api/audit/{UNKNOWN}/proof"):
        assert (await admin.get(path)).status_code == 404
    await sealer(told).seal_waiting()
    assert (await admin.get(f"{url}/proof")).status_code == 200
    await unguard(owner)
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'eve' WHERE entity_type = 'thing'")
    answer = await admin.get(f"{url}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-provable")


async def verify(client: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await client.post("/api/audit/verify", json=wanted)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_log_goes_on_from_its_checkpoint(
    admin: httpx.AsyncClient, told: Resources, owner: asyncpg.Connection
) -> None:
    empty = (await admin.get("/api/audit/checkpoint")).json()
    assert (empty["size"], empty["seals"], empty["hash"]) == (0, 0, "0" * 64)
    worker = sealer(told)
    rows = []
    for _ in range(3):
        await tell(told, 2)
        rows.append(await worker.seal_waiting())
    seen = (await admin.get("/api/audit/checkpoint")).json()
    check(seen, "spyne-audit-checkpoint:1", seen["public_key"])
    assert (seen["size"], seen["seals"]) == (sum(rows), 3)
    await tell(told)
    await worker.seal_waiting()
    await tell(told)
    for checkpoint in (None, empty, seen):
        report = await verify(admin, checkpoint=checkpoint)
        assert (report["clean"], report["complete"], report["findings"]) == (True, True, [])
        assert (report["seals"], report["rows"], report["unsealed"], report["last_seal"]) == (4, sum(rows) + 1, 1, 4)
    forged = await verify(admin, checkpoint=seen | {"size": seen["size"] + 1})
    assert {finding["kind"] for finding in forged["findings"]} == {"checkpoint-forged", "log-replaced"}
    await unguard(owner)
    await owner.execute("DELETE FROM spyne.audit_seals WHERE number > 2")
    await owner.execute(
        "WITH gone AS (DELETE FROM spyne.audit_sealed_entries WHERE seal > 2 RETURNING entry_id) "
        "DELETE FROM spyne.audit_log WHERE id IN (SELECT entry_id FROM gone)"
    )
    assert (await verify(admin))["clean"]
    assert [finding["kind"] for finding in (await verify(admin, checkpoint=seen))["findings"]] == ["log-cut"]
    part = await verify(admin, first_seal=1, last_seal=2, checkpoint=seen)
    assert [finding["kind"] for finding in part["findings"]] == ["log-cut"]


async def test_parts_of_the_log(admin: httpx.AsyncClient, told: Resources, owner: asyncpg.Connection) -> None:
    worker = sealer(told)
    rows = []
    for count in (1, 2, 3, 4):
        await tell(told, count)
        rows.append(await worker.seal_waiting())
    times = await owner.fetch("SELECT to_timestamp(sealed_at / 1e6) FROM spyne.audit_seals ORDER BY number")
    second, fourth = times[1][0].isoformat(), times[3][0].isoformat()
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"first_seal": 2, "last_seal": 3}, rows[1:3]),
        ({"first_seal": 4}, rows[3:]),
        ({"last_seal": 1}, rows[:1]),
        ({"since": second, "until": fourth}, rows[1:3]),
        ({"since": fourth}, rows[3:]),
        ({"until": "1999-01-01T00:00:00Z"}, []),
        ({"first_seal": 9}, []),
        ({"first_seal": 3, "last_seal": 2}, []),
    ]
    for wanted, covered in cases:
        report = await verify(admin, **wanted)
        assert (report["seals"], report["rows"]) == (len(covered), sum(covered)), wanted
        assert report["findings"] == []
    await unguard(owner)
    await owner.execute(
        "UPDATE spyne.audit_log SET actor_label = 'eve' WHERE id = "
        "(SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = 2 AND leaf = 1)"
    )
    await owner.execute(
        "INSERT INTO spyne.audit_log SELECT (jsonb_populate_record(e, jsonb_build_object('id', uuidv7()))).* "
        "FROM spyne.audit_log e WHERE id = (SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = 3 LIMIT 1)"
    )
    for wanted, kinds in (
        ({"last_seal": 2}, {"row-edited", "root-mismatch"}),
        ({"first_seal": 3}, {"row-inserted"}),
        ({"first_seal": 3, "last_seal": 3}, {"row-inserted"}),
        ({"first_seal": 4}, set()),
        ({}, {"row-edited", "root-mismatch", "row-inserted"}),
    ):
        report = await verify(admin, **wanted)
        assert {finding["kind"] for finding in report["findings"]} == kinds, wanted
        assert report["clean"] is not bool(kinds)


async def test_a_long_verification_comes_in_pieces(
    admin: httpx.AsyncClient, told: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = sealer(told, batch_rows=3)
    await tell(told, 10)
    await worker.seal_waiting()
    await tell(told, 4)
    await unguard(owner)
    await owner.execute(
        "UPDATE spyne.audit_log SET actor_label = 'eve' WHERE id = "
        "(SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = 3 AND leaf = 0)"
    )
    whole = await verify(admin)
    monkeypatch.setattr(router, "VERIFY_SECONDS", 0.0)
    monkeypatch.setattr(walking, "CHUNK_ROWS", 1)
    monkeypatch.setattr(verify_database, "LOG_ROWS", 4)
    pieces = [await verify(admin)]
    while pieces[-1]["next_cursor"] is not None:
        assert not pieces[-1]["complete"]
        pieces.append(await verify(admin, cursor=pieces[-1]["next_cursor"]))
    assert len(pieces) > 6
    assert pieces[-1]["complete"]
    for name in ("seals", "rows", "unsealed"):
        assert sum(piece[name] for piece in pieces) == whole[name]
    assert [finding for piece in pieces for finding in piece["findings"]] == whole["findings"] != []
    for cursor in ("x", "InNlYWxzOjEi", "IngiAAA"):
        answer = await admin.post("/api/audit/verify", json={"cursor": cursor})
        assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, "/cursor")


async def test_only_admins(as_role: ClientOf, anonymous: httpx.AsyncClient) -> None:
    engineer = await as_role("ENGINEER")
    for method, path in (
        ("GET", f"/api/audit/{UNKNOWN}"),
        ("GET", f"/api/audit/{UNKNOWN}/proof"),
        ("GET", "/api/audit/checkpoint"),
        ("POST", "/api/audit/verify"),
    ):
        assert (await engineer.request(method, path, json={})).status_code == 403
        assert (await anonymous.request(method, path, json={})).status_code == 401


NDJSON = {"Accept": "application/x-ndjson"}


async def test_the_whole_log_as_lines(admin: httpx.AsyncClient, told: Resources) -> None:
    await tell(told, 7, before={"text": "a\r\nb\u2028", "n": 1.5})
    for query in ("", "?entity_type=thing", "?entity_type=nothing", "?verb=UPDATE&limit=2"):
        answer = await admin.get(f"/api/audit{query}", headers=NDJSON)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
        *rows, end = [json.loads(line) for line in answer.content.split(b"\n")[:-1]]
        assert end == {"end": {"rows": len(rows)}}
        page = (await admin.get(f"/api/audit{query.replace('limit=2', 'limit=500')}")).json()
        assert rows == page["items"]
    assert (await admin.get("/api/audit", headers={"Accept": "text/csv"})).status_code == 406
    assert (await admin.get("/api/audit?verb=EAT", headers=NDJSON)).status_code == 422


async def test_lines_that_break_off_have_no_end(
    admin: httpx.AsyncClient, told: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(told, 3)
    every = AuditReads.every

    async def broken(self: AuditReads, wanted: Any) -> Any:
        async for rows in every(self, wanted):
            yield rows
            raise ConnectionError

    monkeypatch.setattr(AuditReads, "every", broken)
    answer = await admin.get("/api/audit", headers=NDJSON)
    assert b'"end"' not in answer.content
    assert told.database.reader.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a queue pool


async def test_the_metrics_tell_what_waits(admin: httpx.AsyncClient, told: Resources) -> None:
    async def measured() -> dict[str, float]:
        lines = (await admin.get("/metrics")).text.splitlines()
        told = (line.split() for line in lines if line.startswith("spyne_audit_"))
        return {name: float(value) for name, value in told}

    await tell(told, 2)
    before = await measured()
    assert before["spyne_audit_unsealed_age_seconds"] > 0
    assert before["spyne_audit_sealed_rows"] == 0
    await sealer(told).seal_waiting()
    assert await measured() == {
        "spyne_audit_seals": 1,
        "spyne_audit_sealed_rows": 3,  # and who asks was made
        "spyne_audit_unsealed_age_seconds": 0,
    }
