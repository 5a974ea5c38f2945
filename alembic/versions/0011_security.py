"""Security policy, rate rules, blocks, events, actions and honeypots."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

RATES = (
    ("login", "address", 600),
    ("read", "caller", 600_000),
    ("read", "address", 6_000),
    ("write", "caller", 300_000),
    ("write", "address", 6_000),
    ("ingestion", "caller", 300_000),
    ("ingestion", "address", 6_000),
    ("query", "caller", 600_000),
    ("query", "address", 6_000),
    ("other", "caller", 6_000),
    ("other", "address", 6_000),
)
"""Requests per minute. Who has shown a credential is trusted with 10,000 reads or 5,000 writes per second; who has not,
with 100 of them; an address, behind which a whole office may be, with ten log-ins per second: wrong ones have bounds of
their own (the lock-out of the security policy)."""

RESPONSES = (
    ("decoy-key", 1, 60, 3_600, True),  # nobody comes by such a key honestly
    ("honeypot-hit", 3, 60, 3_600, False),
    ("guess-limit", 3, 900, 900, False),
    ("rate-limited", 10_000, 60, 900, False),
)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7")


def _time(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment, **options)


def _created() -> sa.Column[object]:
    return _time("created_at", "Time of creation", server_default=sa.text("now()"), nullable=False)


def _text(name: str, comment: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _number(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, comment=comment)


def upgrade() -> None:
    _rates()
    _blocks()
    _events()
    _actions()
    _responses()
    _honeypots()
    op.execute("INSERT INTO spyne.role_permissions (role, permission) VALUES ('ADMIN', 'security:admin')")


def _rates() -> None:
    table = op.create_table(
        "security_rate_rules",
        _text("route_class", "Class of routes"),
        _text("scope", "Counted by caller or by address"),
        _number("amount", "Requests that are taken within a window"),
        _number("window_seconds", "Length of the window"),
        sa.Column(
            "enabled",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the rule is in force",
        ),
        sa.PrimaryKeyConstraint("route_class", "scope", name="pk_security_rate_rules"),
        sa.CheckConstraint("scope IN ('caller', 'address')", name="ck_security_rate_rules_scope"),
        sa.CheckConstraint("amount > 0 AND window_seconds > 0", name="ck_security_rate_rules_positive"),
        schema="spyne",
    )
    op.bulk_insert(
        table,
        [
            {"route_class": kind, "scope": scope, "amount": amount, "window_seconds": 60}
            for kind, scope, amount in RATES
        ],
    )
    grant("security_rate_rules", "SELECT, INSERT, UPDATE, DELETE")


def _blocks() -> None:
    op.create_table(
        "security_blocks",
        _id(),
        _created(),
        _text("kind", "address, network, user or client"),
        _text("target", "The address or network, or the id of the user or client"),
        _text("reason", "Why; never told to who is blocked"),
        _text("made_by", "admin or rule"),
        _text("created_by", "Label of the admin, or the kind of event of the rule"),
        _time("expires_at", "Over from then on; null: until it is ended"),
        _time("ended_at", "When it was ended before its time, or found expired"),
        _text("ended_by", "Label of who ended it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_blocks"),
        sa.CheckConstraint("kind IN ('address', 'network', 'user', 'client')", name="ck_security_blocks_kind"),
        sa.CheckConstraint("made_by IN ('admin', 'rule')", name="ck_security_blocks_made_by"),
        schema="spyne",
    )
    op.create_index(
        "uq_security_blocks_open",
        "security_blocks",
        ["kind", "target"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        schema="spyne",
    )
    grant("security_blocks", "SELECT, INSERT, UPDATE")


def _events() -> None:
    op.create_table(
        "security_events",
        _id(),
        _text("kind", "What happened, such as honeypot-hit"),
        _text("address", "Client address", nullable=True),
        _text("subject", "user:<id> or client:<id>", nullable=True),
        _time("minute", "Start of the minute that is counted together", nullable=False),
        _time("first_at", "First time", nullable=False),
        _time("last_at", "Last time", nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False, comment="How often"),
        sa.Column("detail", postgresql.JSONB(), nullable=False, comment="Of the first time; without secrets"),
        sa.PrimaryKeyConstraint("id", name="pk_security_events"),
        sa.UniqueConstraint(
            "kind",
            "address",
            "subject",
            "minute",
            name="uq_security_events_kind_address_subject_minute",
            postgresql_nulls_not_distinct=True,
        ),
        schema="spyne",
    )
    op.create_index("ix_security_events_last_at", "security_events", ["last_at"], schema="spyne")
    op.create_index("ix_security_events_address_last_at", "security_events", ["address", "last_at"], schema="spyne")
    grant("security_events", "SELECT, INSERT, UPDATE, DELETE")


def _actions() -> None:
    op.create_table(
        "security_actions",
        _id(),
        _created(),
        _text("kind", "block, disable-user or end-sessions"),
        _text("target", "Address, network, user:<id> or client:<id>"),
        _text("reason", "Why"),
        _text("made_by", "admin or rule"),
        _text("created_by", "Label of the admin, or the kind of event of the rule"),
        _text("event_kind", "Kind of the events responded to", nullable=True),
        sa.Column("block_id", sa.Uuid(), nullable=True, comment="The block made"),
        _time("undone_at", "When it was undone"),
        _text("undone_by", "Label of who undid it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_actions"),
        sa.CheckConstraint("kind IN ('block', 'disable-user', 'end-sessions')", name="ck_security_actions_kind"),
        sa.CheckConstraint("made_by IN ('admin', 'rule')", name="ck_security_actions_made_by"),
        sa.ForeignKeyConstraint(
            ["block_id"], ["spyne.security_blocks.id"], name="fk_security_actions_block_id_security_blocks"
        ),
        schema="spyne",
    )
    op.create_index("ix_security_actions_block_id", "security_actions", ["block_id"], schema="spyne")
    grant("security_actions", "SELECT, INSERT, UPDATE")


def _responses() -> None:
    table = op.create_table(
        "security_responses",
        _text("event_kind", "Kind of event"),
        _number("threshold", "Events from one address within the window which call for it"),
        _number("window_seconds", "Length of the window"),
        _number("block_seconds", "How long the address is blocked"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="Whether the rule is in force"),
        sa.PrimaryKeyConstraint("event_kind", name="pk_security_responses"),
        sa.CheckConstraint(
            "threshold > 0 AND window_seconds > 0 AND block_seconds > 0", name="ck_security_responses_positive"
        ),
        schema="spyne",
    )
    names = ("event_kind", "threshold", "window_seconds", "block_seconds", "enabled")
    op.bulk_insert(table, [dict(zip(names, row, strict=True)) for row in RESPONSES])
    grant("security_responses", "SELECT, INSERT, UPDATE, DELETE")


def _honeypots() -> None:
    op.create_table(
        "security_honeypots",
        _id(),
        _created(),
        _text("kind", "route or key"),
        _text("label", "What it is, and where it was laid out"),
        _text("path", "The address, in lower case, without a slash at its end", nullable=True),
        _text("prefix", "Public part of the key", nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True, comment="SHA-256 of the whole key"),
        _text("created_by", "Label of who laid it out"),
        _time("removed_at", "When it was removed"),
        _text("removed_by", "Label of who removed it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_honeypots"),
        sa.CheckConstraint("kind IN ('route', 'key')", name="ck_security_honeypots_kind"),
        sa.CheckConstraint(
            "(kind = 'route') = (path IS NOT NULL) AND (kind = 'key') = (digest IS NOT NULL)",
            name="ck_security_honeypots_shape",
        ),
        schema="spyne",
    )
    op.create_index(
        "uq_security_honeypots_path",
        "security_honeypots",
        ["path"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        schema="spyne",
    )
    grant("security_honeypots", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'security:admin'")
    for table in (
        "security_honeypots",
        "security_responses",
        "security_actions",
        "security_events",
        "security_blocks",
        "security_rate_rules",
    ):
        op.drop_table(table, schema="spyne")
