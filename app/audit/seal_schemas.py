"""Proofs, checkpoints and reports of verifications as HTTP shows them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.audit.seals.chain import Checkpoint
from app.audit.seals.proofs import Proof
from app.audit.seals.signing import PublicKey
from app.audit.verification.verifier import Kind
from app.audit.verification.verify_database import Scope, Verified
from app.kernel.paging import MAX_CURSOR_LENGTH
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment

_MAX = 2**63 - 1
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Signature = Annotated[str, Field(pattern="^[0-9a-f]{128}$")]
SealNumber = Annotated[int, Field(ge=1, le=_MAX)]


class SealDocument(StrictModel):
    """A signed statement about a batch of rows.

    What is signed is the line `spyne-audit-seal:1`, a line feed, then these fields without the signature as JSON:
    members ordered by name, no white space.
    """

    number: int = Field(description="1 for the first.")
    encoding: int = Field(description="Of the rows' canonical bytes.")
    count: int = Field(description="Rows of the batch.")
    total: int = Field(description="Rows sealed so far, with this batch.")
    root: str = Field(description="Merkle tree head of the batch, RFC 9162, hexadecimal.")
    previous: str = Field(description="SHA-256 of what was signed for the seal before; zeros for the first.")
    first_entry: str | None = Field(description="Id of the first row.")
    last_entry: str | None = Field(description="Id of the last row.")
    lineage: str = Field(description="Server and database whose transaction numbers the rows bear.")
    adopted: bool = Field(
        description="Rows were taken whatever their transaction: at the first start, after a restore."
    )
    horizon: int = Field(description="Every row of a transaction below it is sealed.")
    snapshot_end: int = Field(description="First transaction that had not begun.")
    sealed_at: int = Field(description="Microseconds since 1970-01-01T00:00:00Z, by the database's clock.")
    key: str = Field(description="Fingerprint of the key: SHA-256, hexadecimal.")
    signature: str = Field(description="Ed25519 (RFC 8032), hexadecimal.")


class ProofDocument(StrictModel):
    """That a row is in the log, for anybody who trusts the public key.

    Hash the byte 0 and `content` with SHA-256, follow `path` as RFC 9162 section 2.1.3.2 says, compare with the seal's
    root, verify the seal's signature.
    """

    content: str = Field(description="Canonical bytes of the row, as text.")
    leaf_hash: Hash = Field(description="SHA-256 of the byte 0 and the canonical bytes.")
    leaf_index: int = Field(description="Place of the row in its batch, from 0.")
    tree_size: int = Field(description="Rows of the batch.")
    path: list[Hash] = Field(description="Audit path, from the leaf upwards.")
    root: Hash = Field(description="Merkle tree head of the batch.")
    seal: SealDocument = Field(description="The signed statement that names the root.")
    public_key: Hash = Field(description="Ed25519 public key of this service, hexadecimal.")

    @classmethod
    def of(cls, proof: Proof, key: PublicKey) -> "ProofDocument":
        """The proof as a document."""
        return cls(
            content=proof.content.decode(),
            leaf_hash=proof.leaf.hex(),
            leaf_index=proof.index,
            tree_size=proof.seal.count,
            path=[step.hex() for step in proof.path],
            root=proof.seal.root.hex(),
            seal=SealDocument.model_validate(proof.seal.document()),
            public_key=key.raw.hex(),
        )


class CheckpointDocument(StrictModel):
    """The log at one moment, signed. Keep it elsewhere: held against it later, a log that was cut or replaced shows.

    What is signed is the line `spyne-audit-checkpoint:1`, a line feed, then these fields without the signature as JSON:
    members ordered by name, no white space.
    """

    checkpoint: Literal[1] = Field(description="Version of this form.")
    size: int = Field(ge=0, le=_MAX, description="Rows sealed.")
    seals: int = Field(ge=0, le=_MAX, description="Seals.")
    hash: Hash = Field(description="SHA-256 of what was signed for the last seal; zeros when there is none.")
    time: int = Field(ge=-_MAX, le=_MAX, description="Microseconds since 1970-01-01T00:00:00Z.")
    public_key: Hash = Field(description="Ed25519 public key, hexadecimal.")
    signature: Signature = Field(description="Ed25519 (RFC 8032), hexadecimal.")

    def value(self) -> Checkpoint:
        """The checkpoint."""
        return Checkpoint.read(self.model_dump())


class VerifyRequest(StrictModel):
    """What to verify; everything when nothing is said."""

    since: Moment | None = Field(None, description="Seals made not before this time, RFC 3339 with offset.")
    until: Moment | None = Field(None, description="Seals made before this time, RFC 3339 with offset.")
    first_seal: SealNumber | None = Field(None, description="Not before this seal.")
    last_seal: SealNumber | None = Field(None, description="Not after this seal.")
    checkpoint: CheckpointDocument | None = Field(None, description="The log must go on from here.")
    cursor: str | None = Field(
        None, max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the answer before, to go on from there."
    )

    def scope(self) -> Scope:
        """The part of the log."""
        return Scope(since=self.since, until=self.until, first_seal=self.first_seal, last_seal=self.last_seal)


class FindingDocument(StrictModel):
    """One thing that is wrong with the log."""

    model_config = ConfigDict(from_attributes=True)

    kind: Kind = Field(description="What kind of thing.")
    detail: str = Field(description="In words.")
    seal: int | None = Field(description="Number of the seal.")
    entry_id: str | None = Field(description="Id of the row.")


class VerificationDocument(StrictModel):
    """What a verification has seen and found, since its cursor."""

    clean: bool = Field(description="Nothing is wrong with what was looked at.")
    complete: bool = Field(description="Everything that was asked for has been looked at.")
    next_cursor: str | None = Field(description="Post it as `cursor` to go on; null when complete.")
    seals: int = Field(description="Seals verified.")
    rows: int = Field(description="Sealed rows verified.")
    archived: int = Field(description="Sealed rows that are kept elsewhere, for which an archive vouches.")
    unsealed: int = Field(description="Rows that wait for their seal: nothing vouches for them yet.")
    last_seal: int | None = Field(description="Number of the last seal verified.")
    findings: list[FindingDocument] = Field(description="What is wrong; a thousand at most.")
    more_findings: int = Field(description="Findings beyond those listed.")
    public_key: Hash = Field(description="The key whose seals count, hexadecimal.")

    @classmethod
    def of(cls, verified: Verified, key: PublicKey) -> "VerificationDocument":
        """The result as a document."""
        report = verified.report
        return cls(
            clean=report.clean,
            complete=verified.cursor is None,
            next_cursor=verified.cursor,
            seals=report.seals,
            rows=report.rows,
            archived=report.archived,
            unsealed=report.unsealed,
            last_seal=None if report.last is None else report.last.number,
            findings=[FindingDocument.model_validate(finding) for finding in report.findings],
            more_findings=report.more_findings,
            public_key=key.raw.hex(),
        )
