"""Sessions, refresh tokens and what is remembered of log-ins."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7")


def _time(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment, **options)


def _text(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), comment=comment, **options)


def _bytes(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), comment=comment, **options)


def upgrade() -> None:
    _sessions()
    _refresh_tokens()
    _attempts()
    _remembered()


def _sessions() -> None:
    op.create_table(
        "sessions",
        _id(),
        sa.Column("user_id", sa.Uuid(), nullable=False, comment="Who logged in"),
        sa.Column("client_id", sa.Uuid(), comment="Client that asked for the tokens and alone may renew them"),
        _text("kind", "browser (cookie) or token (access and refresh tokens)", nullable=False),
        _text("method", "How the log-in was proved: local or oidc", nullable=False),
        _bytes("digest", "SHA-256 of the cookie's secret; null without a cookie"),
        _text("scope", "Permissions that its tokens are narrowed to, separated by spaces; null for all"),
        sa.Column(
            "epoch",
            sa.Integer(),
            nullable=False,
            comment="The person's credentials epoch; another one ends the session",
        ),
        _time("created_at", "Time of the log-in", nullable=False),
        _time("last_seen_at", "Last use, written at most once a minute", nullable=False),
        _time("idle_ends_at", "Ends then without a further use", nullable=False),
        _time("ends_at", "Ends then whatever happens", nullable=False),
        _time("ended_at", "When it was ended before its time"),
        _text("end_reason", "Why it was ended"),
        _text("client_address", "Where the log-in came from"),
        _text("user_agent", "What the log-in came from, as it called itself; bounded"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["spyne.users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["spyne.api_clients.id"], name="fk_sessions_client_id_api_clients", ondelete="CASCADE"
        ),
        sa.CheckConstraint("kind IN ('browser', 'token')", name="ck_sessions_kind"),
        sa.CheckConstraint("method IN ('local', 'oidc')", name="ck_sessions_method"),
        sa.CheckConstraint("(kind = 'browser') = (digest IS NOT NULL)", name="ck_sessions_digest"),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ck_sessions_end_reason"),
        schema="spyne",
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], schema="spyne")
    op.create_index("ix_sessions_client_id", "sessions", ["client_id"], schema="spyne")
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"], schema="spyne")
    grant("sessions", "SELECT, INSERT, UPDATE, DELETE")


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        _id(),
        sa.Column("session_id", sa.Uuid(), nullable=False, comment="Session that it renews the tokens of"),
        _bytes("digest", "SHA-256 of the whole token", nullable=False),
        _time("issued_at", "When it was issued", nullable=False),
        _time("expires_at", "Not valid from then on", nullable=False),
        _time("used_at", "When it was used; a second use ends the session"),
        sa.Column("successor", sa.Uuid(), comment="Id of the token that was given for it"),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
        sa.UniqueConstraint("digest", name="uq_refresh_tokens_digest"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["spyne.sessions.id"], name="fk_refresh_tokens_session_id_sessions", ondelete="CASCADE"
        ),
        sa.CheckConstraint("(used_at IS NULL) = (successor IS NULL)", name="ck_refresh_tokens_successor"),
        schema="spyne",
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], schema="spyne")
    grant("refresh_tokens", "SELECT, INSERT, UPDATE, DELETE")


def _attempts() -> None:
    op.execute("DELETE FROM spyne.login_attempts")  # nobody can tell their names any more; a lock lasts five minutes
    for name, comment in (
        ("name", "Keyed hash of the name, which may be a mistyped password"),
        ("address", "Keyed hash of the address; of IPv6 its /64"),
    ):
        op.add_column("login_attempts", _bytes(name, comment, nullable=False), schema="spyne")
        op.create_index(f"ix_login_attempts_{name}_failed_at", "login_attempts", [name, "failed_at"], schema="spyne")


def _remembered() -> None:
    op.create_table(
        "known_places",
        _bytes("pair", "Keyed hash of name and address", nullable=False),
        _time("succeeded_at", "Last log-in of the name from there", nullable=False),
        sa.PrimaryKeyConstraint("pair", name="pk_known_places"),
        schema="spyne",
    )
    op.create_index("ix_known_places_succeeded_at", "known_places", ["succeeded_at"], schema="spyne")
    op.create_table(
        "limit_notes",
        _bytes("key", "Keyed hash of the pair, name or address that is held up", nullable=False),
        _time("until", "No further audit row about it before then", nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limit_notes"),
        schema="spyne",
    )
    op.create_index("ix_limit_notes_until", "limit_notes", ["until"], schema="spyne")
    grant("known_places", "SELECT, INSERT, UPDATE, DELETE")
    grant("limit_notes", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.drop_table("limit_notes", schema="spyne")
    op.drop_table("known_places", schema="spyne")
    for name in ("name", "address"):
        op.drop_column("login_attempts", name, schema="spyne")
    op.drop_table("refresh_tokens", schema="spyne")
    op.drop_table("sessions", schema="spyne")
