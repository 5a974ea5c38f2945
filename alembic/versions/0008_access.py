"""People, clients and keys: versions, scopes, last use, limits."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import APP_ROLE, grant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _version() -> sa.Column[int]:
    return sa.Column(
        "version",
        sa.Integer(),
        server_default="1",
        nullable=False,
        comment="Raised by every change of an administrator",
    )


def _updated() -> sa.Column[object]:
    return sa.Column(
        "updated_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("now()"),
        nullable=False,
        comment="Time of the last such change",
    )


def _added() -> dict[str, tuple[sa.Column[Any], ...]]:
    return {
        "users": (
            sa.Column(
                "must_change_password",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="The password is a one-time one: nothing else may be done before it is changed",
            ),
            sa.Column(
                "credentials_epoch",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="Tokens of another epoch count no more; raised to end them all",
            ),
            _version(),
            _updated(),
        ),
        "api_clients": (
            sa.Column("requests_per_minute", sa.Integer(), comment="The client's own rate limit; null for the usual"),
            _version(),
            _updated(),
        ),
        "api_keys": (
            sa.Column("label", sa.Text(), server_default="", nullable=False, comment="What the key is for"),
            sa.Column(
                "scopes",
                sa.ARRAY(sa.Text()),
                comment="Permissions that it is narrowed to; null for all that the client's roles give",
            ),
            sa.Column("last_used_at", sa.DateTime(timezone=True), comment="Last use, to the minute; written later"),
            sa.Column("rotated_to", sa.Uuid(), comment="The key that takes its place"),
        ),
    }


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column, schema="spyne")
    op.create_check_constraint(
        op.f("ck_api_clients_requests_per_minute"), "api_clients", "requests_per_minute > 0", schema="spyne"
    )
    op.create_foreign_key(
        "fk_api_keys_rotated_to_api_keys",
        "api_keys",
        "api_keys",
        ["rotated_to"],
        ["id"],
        source_schema="spyne",
        referent_schema="spyne",
        ondelete="SET NULL",
    )
    op.create_index("ix_user_roles_role", "user_roles", ["role"], schema="spyne")
    grant("users", "DELETE")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON spyne.users FROM {APP_ROLE}")
    op.drop_index("ix_user_roles_role", "user_roles", schema="spyne")
    op.drop_constraint("fk_api_keys_rotated_to_api_keys", "api_keys", schema="spyne")
    op.drop_constraint(op.f("ck_api_clients_requests_per_minute"), "api_clients", schema="spyne")
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name, schema="spyne")
