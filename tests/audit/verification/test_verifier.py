"""The verifier's own bounds: how far times may be off, and how many findings are listed."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.audit.seals.canonical import ENCODING
from app.audit.seals.chain import NO_SEAL, Present, Seal
from app.audit.seals.merkle import leaf_hash, root_of
from app.audit.seals.signing import SealingKey
from app.audit.verification.verifier import Kind, Report, Verifier
from app.kernel.security.secrets import ServiceSecret

KEY = SealingKey(ServiceSecret(b"a secret for seals of the tests, which is long enough"))
MINUTE = 60_000_000
AT = 1_000_000_000_000_000
"""When the first seal was made, in microseconds."""
LEAF = leaf_hash(b"a row")


def _seal(number: int, before: Seal | None, *, adopted: bool = False) -> Seal:
    """A seal of one row, made an hour after the one before it; transactions below 100 times its number had begun."""
    return Seal(
        number=number,
        encoding=ENCODING,
        count=1,
        total=number,
        root=root_of([LEAF]),
        previous=NO_SEAL if before is None else before.digest(),
        first_entry=UUID(int=number),
        last_entry=UUID(int=number),
        lineage="1",
        adopted=adopted,
        horizon=100 * number,
        snapshot_end=100 * number,
        sealed_at=AT + (number - 1) * 60 * MINUTE,
        key=KEY.public.fingerprint,
    ).signed(KEY)


def _kinds(time: int, *, adopted: bool = False) -> set[Kind]:
    """What is found of a row of this time, sealed by the second seal: its transaction began after the first one."""
    verifier, first = Verifier([KEY.public]), _seal(1, None)
    verifier.row(0, "first", LEAF, LEAF, 50, AT)
    verifier.seal(first)
    verifier.row(0, "second", LEAF, LEAF, 150, time)
    verifier.seal(_seal(2, first, adopted=adopted))
    return {finding.kind for finding in verifier.ended().findings}


@pytest.mark.parametrize(
    ("time", "sound"),
    [(AT - MINUTE - 1, False), (AT - MINUTE, True), (AT + 61 * MINUTE, True), (AT + 61 * MINUTE + 1, False)],
)
def test_a_rows_time_may_be_a_minute_off(time: int, sound: bool) -> None:
    assert _kinds(time) == (set() if sound else {Kind.ROW_MISDATED})


@pytest.mark.parametrize(("time", "sound"), [(0, True), (AT + 61 * MINUTE, True), (AT + 61 * MINUTE + 1, False)])
def test_a_row_that_was_taken_over_is_only_not_younger_than_its_seal(time: int, sound: bool) -> None:
    assert _kinds(time, adopted=True) == (set() if sound else {Kind.ROW_MISDATED})


@pytest.mark.parametrize(
    ("transaction", "kind"), [(99, Kind.ROW_INSERTED), (100, None), (199, None), (200, Kind.ROW_INSERTED)]
)
def test_a_row_without_a_seal_is_of_a_transaction_after_the_last_one(transaction: int, kind: Kind | None) -> None:
    verifier = Verifier([KEY.public])
    verifier.row(0, "first", LEAF, LEAF, 50, AT)
    verifier.seal(_seal(1, None))
    verifier.unsealed_row("waits", transaction, AT + MINUTE, Present("1", 200, AT + 2 * MINUTE))
    report = verifier.ended()
    assert [finding.kind for finding in report.findings] == ([] if kind is None else [kind])
    assert report.unsealed == 1


@pytest.mark.parametrize("total", [0, 1, 3])
def test_a_seal_counts_its_rows_on_from_the_ones_before(total: int) -> None:
    """Also one that is signed: a checkpoint tells of the total alone how much of the log there was."""
    verifier, first = Verifier([KEY.public]), _seal(1, None)
    verifier.row(0, "first", LEAF, LEAF, 50, AT)
    verifier.seal(first)
    verifier.row(0, "second", LEAF, LEAF, 150, AT + MINUTE)
    verifier.seal(replace(_seal(2, first), total=total).signed(KEY))
    assert {finding.kind for finding in verifier.ended().findings} == {Kind.CHAIN_BROKEN}


def test_a_thousand_findings_are_listed_and_the_rest_is_counted() -> None:
    report = Report()
    for number in range(1_002):
        report.find(Kind.ROW_EDITED, "x", number)
    assert (len(report.findings), report.more_findings, report.clean) == (1_000, 2, False)


def test_a_seal_that_is_altered_is_forged() -> None:
    verifier = Verifier([KEY.public])
    verifier.row(0, "first", LEAF, LEAF, 50, AT)
    verifier.seal(replace(_seal(1, None), horizon=101))
    assert {finding.kind for finding in verifier.ended().findings} == {Kind.SEAL_FORGED}
