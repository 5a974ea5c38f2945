"""Signed statements: what is signed is the same byte for byte for good, and what is read is what was written."""

import json
from typing import Any
from uuid import UUID

import pytest

from app.audit.archives.statements import Archive
from app.audit.seals.chain import NO_SEAL, Checkpoint, Seal
from app.audit.seals.signing import MalformedSealError, PublicKey, SealingKey, Statement
from app.kernel.security.secrets import ServiceSecret

KEY = SealingKey(ServiceSecret(b"the secret of these statements!!"))
SEAL = Seal(
    number=1,
    encoding=1,
    count=2,
    total=2,
    root=b"\x01" * 32,
    previous=NO_SEAL,
    first_entry=UUID(int=7),
    last_entry=None,
    lineage="7/5",
    adopted=True,
    horizon=0,
    snapshot_end=9,
    sealed_at=-1,
    key="ab",
)
CHECKPOINT = Checkpoint(size=2, seals=1, hash=b"\x02" * 32, time=3, public_key=PublicKey(b"\x03" * 32))
ARCHIVE = Archive(
    number=1,
    first_seal=1,
    last_seal=2,
    seal_hash=b"\x04" * 32,
    rows=5,
    object="audit/archives/é",
    size=6,
    sha256=b"\x05" * 32,
    previous=bytes(32),
    archived_at=7,
    key="cd",
)
SIGNED = {
    SEAL: (
        'spyne-audit-seal:1\n{"adopted":true,"count":2,"encoding":1,'
        '"first_entry":"00000000-0000-0000-0000-000000000007","horizon":0,"key":"ab","last_entry":null,'
        f'"lineage":"7/5","number":1,"previous":"{"00" * 32}","root":"{"01" * 32}","sealed_at":-1,"snapshot_end":9,'
        '"total":2}'
    ),
    CHECKPOINT: (
        f'spyne-audit-checkpoint:1\n{{"checkpoint":1,"hash":"{"02" * 32}","public_key":"{"03" * 32}","seals":1,'
        '"size":2,"time":3}'
    ),
    ARCHIVE: (
        f'spyne-audit-archive:1\n{{"archived_at":7,"first_seal":1,"key":"cd","last_seal":2,"number":1,'
        f'"object":"audit/archives/é","previous":"{"00" * 32}","rows":5,"seal_hash":"{"04" * 32}",'
        f'"sha256":"{"05" * 32}","size":6}}'
    ),
}


@pytest.mark.parametrize(("statement", "content"), SIGNED.items(), ids=lambda it: type(it).__name__)
def test_what_is_signed(statement: Statement, content: str) -> None:
    assert statement.content() == content.encode()


@pytest.mark.parametrize("statement", SIGNED, ids=lambda it: type(it).__name__)
def test_a_statement_is_read_as_it_was_written(statement: Statement) -> None:
    signed = statement.signed(KEY)
    assert KEY.public.verifies(signed.signature, statement.content())
    assert type(statement).read(json.loads(json.dumps(signed.document()))) == signed


@pytest.mark.parametrize(
    ("statement", "field", "value"),
    [
        (SEAL, "number", True),
        (SEAL, "number", "1"),
        (SEAL, "total", 2**63),
        (SEAL, "root", "xy"),
        (SEAL, "root", None),
        (SEAL, "first_entry", "no id"),
        (CHECKPOINT, "public_key", "00"),
        (CHECKPOINT, "time", 1.5),
        (ARCHIVE, "size", None),
        (ARCHIVE, "signature", 5),
    ],
)
def test_what_is_no_statement(statement: Statement, field: str, value: Any) -> None:
    document = statement.document()
    with pytest.raises(MalformedSealError):
        type(statement).read(document | {field: value})
    document.pop(field)
    with pytest.raises(MalformedSealError):
        type(statement).read(document)
