"""Requests for add-ons, their samples, revisions and validation runs; who made clients and their keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_STATUSES = (
    "status IN ('NEW', 'PENDING_APPROVAL', 'APPROVED', 'REJECTED', 'GENERATING_TA', 'VALIDATING', 'COMPLETED', "
    "'FAILED')"
)
_RIGHTS = {
    "addons:request": ("REQUESTOR", "ADMIN"),
    "addons:approve": ("APPROVER", "ADMIN"),
    "addons:administer": ("ADMIN",),
}
_TABLES = ("addon_validation_runs", "addon_revisions", "addon_samples", "addon_request_steps", "addon_requests")


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, default: str | None = None) -> Any:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, kind, nullable=nullable, comment=comment, server_default=server_default)


def _text(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.Text(), comment, **options)


def _time(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.DateTime(timezone=True), comment, **options)


def _identity() -> tuple[Any, Any]:
    return _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"), _time(
        "created_at", "Time of creation", default="now()"
    )


def _of_request(table: str) -> Any:
    name = f"fk_{table}_request_id_addon_requests"
    return sa.ForeignKeyConstraint(["request_id"], ["spyne.addon_requests.id"], name=name, ondelete="CASCADE")


def _index(table: str, suffix: str, columns: list[str], condition: str | None = None) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(f"ix_{table}_{suffix}", table, columns, schema="spyne", postgresql_where=where)


def upgrade() -> None:
    for table, comment in (
        ("api_clients", "Users behind who made the client; empty where none is known"),
        ("api_keys", "Users behind who issued the key; empty where none is known"),
    ):
        op.add_column(table, _column("made_by", sa.ARRAY(sa.Uuid()), comment, default="'{}'"), schema="spyne")
    _requests()
    _steps()
    _samples()
    _revisions()
    _validations()
    for right, roles in _RIGHTS.items():
        for role in roles:
            op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', '{right}')")


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission LIKE 'addons:%'")
    for table in _TABLES:
        op.drop_table(table, schema="spyne")
    for table in ("api_keys", "api_clients"):
        op.drop_column(table, "made_by", schema="spyne")


def _requests() -> None:
    op.create_table(
        "addon_requests",
        *_identity(),
        _text("title", "What is asked for, in a line"),
        _text("source_description", "What writes the logs, and how they reach Splunk"),
        _text("addon_name", "Folder of the add-on in Splunk"),
        _text("wished_index", "Index that the events are to go to, if any is wished", nullable=True),
        _text("wished_sourcetype", "Source type of the events, if any is wished", nullable=True),
        _column(
            "metadata", postgresql.JSONB(), "What the requestor adds for own use, such as a ticket", default="'{}'"
        ),
        _text("status", "See RequestStatus", default="'NEW'"),
        _time("status_since", "When the status began", default="now()"),
        _text("reason_code", "Why it stands so, for programs", nullable=True),
        _text("reason", "Why it stands so, in words", nullable=True),
        _text("requestor_kind", "user, api_client or system"),
        _column("requestor_id", sa.Uuid(), "Id of who filed it", nullable=True),
        _text("requestor", "Name of who filed it, at that time"),
        _column(
            "requestor_people",
            sa.ARRAY(sa.Uuid()),
            "Users behind who filed it; none of them decides about it",
            default="'{}'",
        ),
        _time("submitted_at", "When it was submitted", nullable=True),
        _time("decided_at", "When it was approved or rejected", nullable=True),
        _column("decided_by_id", sa.Uuid(), "Id of who decided", nullable=True),
        _text("decided_by", "Name of who decided, at that time", nullable=True),
        _time("completed_at", "When it came to its end, the last time", nullable=True),
        _column("job_id", sa.Uuid(), "The job that is on the way, or was the last", nullable=True),
        _column("validation_id", sa.Uuid(), "The validation run that decides about the request", nullable=True),
        _column("version", sa.Integer(), "Counts changes; the ETag", default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_addon_requests"),
        sa.CheckConstraint(_STATUSES, name="ck_addon_requests_status"),
        sa.CheckConstraint(
            "requestor_kind IN ('user', 'api_client', 'system')", name="ck_addon_requests_requestor_kind"
        ),
        schema="spyne",
    )
    _index("addon_requests", "requestor_id", ["requestor_id", "id"])
    _index("addon_requests", "waiting", ["id"], "status = 'PENDING_APPROVAL'")
    _index("addon_requests", "status", ["status", "id"])
    grant("addon_requests", "SELECT, INSERT, UPDATE")


def _steps() -> None:
    op.create_table(
        "addon_request_steps",
        *_identity(),
        _column("request_id", sa.Uuid(), "The request"),
        _text("action", "See RequestAction"),
        _text("from_status", "Status before"),
        _text("to_status", "Status after"),
        _column("seconds", sa.Float(), "Time for which the request had the status before"),
        _text("actor_kind", "user, api_client or system"),
        _column("actor_id", sa.Uuid(), "Id of who caused it; null for the system", nullable=True),
        _text("actor", "Name of who caused it, at that time"),
        _text("reason_code", "Why, for programs", nullable=True),
        _text("reason", "Why, in words", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_addon_request_steps"),
        _of_request("addon_request_steps"),
        schema="spyne",
    )
    _index("addon_request_steps", "request_id", ["request_id", "id"])
    grant("addon_request_steps", "SELECT, INSERT")


def _samples() -> None:
    op.create_table(
        "addon_samples",
        *_identity(),
        _column("request_id", sa.Uuid(), "The request"),
        _text("filename", "Name of the file as it was sent"),
        _text("object_key", "Of the stored object: the text, unpacked"),
        _column("bytes", sa.BigInteger(), "Bytes of the text"),
        _text("sha256", "SHA-256 of the text in hexadecimal"),
        _text("encoding", "See Encoding"),
        _column("lines", sa.BigInteger(), "Lines of the text"),
        _text("head", "The first characters, for whoever decides"),
        _text("uploaded_by", "Name of who uploaded it, at that time"),
        _time("deleted_at", "When it was deleted; the text goes with retention", nullable=True),
        _text("deleted_by", "Name of who deleted it, at that time", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_addon_samples"),
        _of_request("addon_samples"),
        sa.CheckConstraint(
            "encoding IN ('utf-8', 'utf-8-sig', 'utf-16-le', 'utf-16-be', 'cp1252', 'latin-1')",
            name="ck_addon_samples_encoding",
        ),
        schema="spyne",
    )
    _index("addon_samples", "request_id", ["request_id", "id"], "deleted_at IS NULL")
    _index("addon_samples", "created_at", ["created_at"])
    grant("addon_samples", "SELECT, INSERT, UPDATE, DELETE")


def _revisions() -> None:
    op.create_table(
        "addon_revisions",
        *_identity(),
        _column("request_id", sa.Uuid(), "The request"),
        _column("version", sa.Integer(), "1, 2, … within the request"),
        _text("type", "AUTO or MANUAL"),
        _text("package_name", "Folder of the add-on"),
        _text("object_key", "Of the stored archive; null after retention", nullable=True),
        _column("bytes", sa.BigInteger(), "Bytes of the archive"),
        _text("sha256", "SHA-256 of the archive in hexadecimal"),
        _column("files", postgresql.JSONB(), "Path, bytes and SHA-256 of every file, sorted by path"),
        _text("note", "What was changed, in the words of who uploaded it", nullable=True),
        _column("changes", postgresql.JSONB(), "Paths added, removed and modified since the last"),
        _column("knowledge", postgresql.JSONB(), "Passages that the generator used", default="'[]'"),
        _column("report", postgresql.JSONB(), "What the generator found; null of an upload", nullable=True),
        _column("job_id", sa.Uuid(), "The job that generated it; null of an upload", nullable=True),
        _text("made_by", "Name of who uploaded it, or system"),
        sa.PrimaryKeyConstraint("id", name="pk_addon_revisions"),
        _of_request("addon_revisions"),
        sa.UniqueConstraint("request_id", "version", name="uq_addon_revisions_request_id_version"),
        sa.UniqueConstraint("job_id", name="uq_addon_revisions_job_id"),
        sa.CheckConstraint("type IN ('AUTO', 'MANUAL')", name="ck_addon_revisions_type"),
        sa.CheckConstraint("version > 0", name="ck_addon_revisions_version"),
        schema="spyne",
    )
    _index("addon_revisions", "created_at", ["created_at"], "object_key IS NOT NULL")
    grant("addon_revisions", "SELECT, INSERT, UPDATE")


def _validations() -> None:
    op.create_table(
        "addon_validation_runs",
        *_identity(),
        _column("request_id", sa.Uuid(), "The request"),
        _column("number", sa.Integer(), "1, 2, … within the request"),
        _column("revision_id", sa.Uuid(), "What is validated"),
        _column("revision_version", sa.Integer(), "Version of that revision"),
        _text("status", "See ValidationStatus", default="'QUEUED'"),
        _column("attempt", sa.Integer(), "Start of the job that runs it; null before the first", nullable=True),
        _column("job_id", sa.Uuid(), "The job that runs it"),
        _time("started_at", "When it was begun, the last time", nullable=True),
        _time("finished_at", "When it came to its end", nullable=True),
        _column("report", postgresql.JSONB(), "Figures and findings; null after retention", nullable=True),
        _text("error_code", "Why it could not be run, for programs", nullable=True),
        _text("error_message", "Why it could not be run, in words", nullable=True),
        _text("started_by", "Name of who asked for it, or system"),
        sa.PrimaryKeyConstraint("id", name="pk_addon_validation_runs"),
        _of_request("addon_validation_runs"),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["spyne.addon_revisions.id"],
            name="fk_addon_validation_runs_revision_id_addon_revisions",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("request_id", "number", name="uq_addon_validation_runs_request_id_number"),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'RUNNING', 'PASSED', 'FAILED')", name="ck_addon_validation_runs_status"
        ),
        sa.CheckConstraint("number > 0", name="ck_addon_validation_runs_number"),
        sa.CheckConstraint("status <> 'RUNNING' OR attempt IS NOT NULL", name="ck_addon_validation_runs_running"),
        schema="spyne",
    )
    _index("addon_validation_runs", "open", ["status", "id"], "status IN ('QUEUED', 'RUNNING')")
    _index("addon_validation_runs", "revision_id", ["revision_id"])
    _index("addon_validation_runs", "created_at", ["created_at"], "report IS NOT NULL")
    grant("addon_validation_runs", "SELECT, INSERT, UPDATE")
