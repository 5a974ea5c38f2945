"""Whose checkpoints count: those of a trusted key, as it signed them."""

from dataclasses import replace

import pytest

from app.audit.seals.chain import NO_SEAL, Checkpoint
from app.audit.seals.signing import PublicKey, SealingKey
from app.audit.verification.verifier import Kind, Verifier
from app.kernel.security.secrets import ServiceSecret

OWN, OLDER, FOREIGN = (
    SealingKey(ServiceSecret(f"secret {which} of the tests of verification".encode())) for which in "abc"
)


def _checkpoint(named: SealingKey, signer: SealingKey) -> Checkpoint:
    unsigned = Checkpoint(size=0, seals=0, hash=NO_SEAL, time=0, public_key=named.public)
    return unsigned.signed(signer)


@pytest.mark.parametrize(
    ("checkpoint", "trusted", "genuine"),
    [
        (None, [OWN.public], True),
        (_checkpoint(OWN, OWN), [OWN.public], True),
        (_checkpoint(OLDER, OLDER), [OWN.public, OLDER.public], True),
        (_checkpoint(FOREIGN, FOREIGN), [OWN.public], False),  # sound in itself: anybody can make one
        (_checkpoint(FOREIGN, FOREIGN), [OWN.public, OLDER.public], False),
        (_checkpoint(OWN, OWN), [], False),
        (_checkpoint(OWN, FOREIGN), [OWN.public], False),
        (_checkpoint(FOREIGN, OWN), [OWN.public], False),
        (_checkpoint(OWN, FOREIGN), [OWN.public, FOREIGN.public], False),
        (replace(_checkpoint(OWN, OWN), time=1), [OWN.public], False),
        (replace(_checkpoint(OWN, OWN), signature=b""), [OWN.public], False),
    ],
)
def test_a_checkpoint_counts_when_a_trusted_key_signed_it(
    checkpoint: Checkpoint | None, trusted: list[PublicKey], genuine: bool
) -> None:
    findings = Verifier(trusted, checkpoint).report.findings
    assert [finding.kind for finding in findings] == ([] if genuine else [Kind.CHECKPOINT_FORGED])
