"""Users, roles with their permissions, clients, keys, revoked tokens and failed log-ins."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

VIEWER = ["tables:read", "contracts:read", "query:run"]
ANALYST = [*VIEWER, "query:override-joins"]
ENGINEER = [*ANALYST, "tables:read-shadow", "contracts:write", "ingestion:read", "ingestion:write"]
ADMIN = [
    *ENGINEER,
    "tables:adopt",
    "tables:promote",
    "tables:deprecate",
    "audit:read",
    "system:read",
    "system:write",
    "users:admin",
]
MATRIX = {
    "VIEWER": VIEWER,
    "ANALYST": ANALYST,
    "ENGINEER": ENGINEER,
    "ADMIN": ADMIN,
    "REQUESTOR": [],
    "APPROVER": [],
    "KNOWLEDGE_MANAGER": [],
}


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7")


def _created() -> sa.Column[object]:
    return _time("created_at", "Time of creation", server_default=sa.text("now()"), nullable=False)


def _time(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment, **options)


def _text(name: str, comment: str, **options: Any) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), comment=comment, **options)


def upgrade() -> None:
    _people()
    _roles()
    _clients()
    _ends()
    for role, permissions in MATRIX.items():
        op.execute(sa.text("INSERT INTO spyne.roles (name) VALUES (:role)").bindparams(role=role))
        for permission in permissions:
            op.execute(
                sa.text("INSERT INTO spyne.role_permissions (role, permission) VALUES (:role, :permission)").bindparams(
                    role=role, permission=permission
                )
            )


def _people() -> None:
    op.create_table(
        "users",
        _id(),
        _text("username", "Name to log in with, lower case", nullable=False),
        _text("email", "E-mail address"),
        _text("display_name", "Name to show"),
        _text("password_hash", "argon2id, encoded; null when another provider logs in"),
        _text("auth_provider", "local, oidc or saml", server_default="local", nullable=False),
        _text("provider_issuer", "Issuer that vouches for the subject"),
        _text("provider_subject", "The provider's id of the person"),
        _text("status", "active or disabled", server_default="active", nullable=False),
        _time("last_login_at", "Last successful log-in"),
        _created(),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
        sa.UniqueConstraint("provider_issuer", "provider_subject", name="uq_users_provider_issuer_provider_subject"),
        sa.CheckConstraint("username = lower(username)", name="ck_users_username"),
        sa.CheckConstraint("auth_provider IN ('local', 'oidc', 'saml')", name="ck_users_auth_provider"),
        sa.CheckConstraint("auth_provider = 'local' OR provider_subject IS NOT NULL", name="ck_users_provider_subject"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_users_status"),
        schema="spyne",
    )
    grant("users", "SELECT, INSERT, UPDATE")


def _roles() -> None:
    op.create_table(
        "roles",
        _text("name", "Name of the role", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
        schema="spyne",
    )
    op.create_table(
        "role_permissions",
        _text("role", "Role", nullable=False),
        _text("permission", "Permission that it allows", nullable=False),
        sa.PrimaryKeyConstraint("role", "permission", name="pk_role_permissions"),
        sa.ForeignKeyConstraint(["role"], ["spyne.roles.name"], name="fk_role_permissions_role_roles"),
        schema="spyne",
    )
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False, comment="User"),
        _text("role", "Role held", nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role", name="pk_user_roles"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["spyne.users.id"], name="fk_user_roles_user_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role"], ["spyne.roles.name"], name="fk_user_roles_role_roles"),
        schema="spyne",
    )
    grant("roles", "SELECT")
    grant("role_permissions", "SELECT")
    grant("user_roles", "SELECT, INSERT, DELETE")


def _clients() -> None:
    op.create_table(
        "api_clients",
        _id(),
        _text("name", "Name; also the OAuth2 client_id", nullable=False),
        _text("description", "What the client is for", server_default="", nullable=False),
        _text("status", "active or disabled", server_default="active", nullable=False),
        _created(),
        sa.PrimaryKeyConstraint("id", name="pk_api_clients"),
        sa.UniqueConstraint("name", name="uq_api_clients_name"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_api_clients_status"),
        schema="spyne",
    )
    op.create_table(
        "client_roles",
        sa.Column("client_id", sa.Uuid(), nullable=False, comment="Client"),
        _text("role", "Role held", nullable=False),
        sa.PrimaryKeyConstraint("client_id", "role", name="pk_client_roles"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["spyne.api_clients.id"], name="fk_client_roles_client_id_api_clients", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role"], ["spyne.roles.name"], name="fk_client_roles_role_roles"),
        schema="spyne",
    )
    op.create_table(
        "api_keys",
        _id(),
        sa.Column("client_id", sa.Uuid(), nullable=False, comment="Client"),
        _text("prefix", "Public part, by which the key is found", nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole key"),
        _time("expires_at", "Not valid from then on"),
        _time("revoked_at", "When it was revoked"),
        _created(),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["spyne.api_clients.id"], name="fk_api_keys_client_id_api_clients", ondelete="CASCADE"
        ),
        schema="spyne",
    )
    op.create_index("ix_api_keys_client_id", "api_keys", ["client_id"], schema="spyne")
    grant("api_clients", "SELECT, INSERT, UPDATE")
    grant("client_roles", "SELECT, INSERT, DELETE")
    grant("api_keys", "SELECT, INSERT, UPDATE")


def _ends() -> None:
    op.create_table(
        "revoked_tokens",
        sa.Column("jti", sa.Uuid(), nullable=False, comment="Id of the token"),
        _text("subject", "Whose token, as in its sub", nullable=False),
        _time("expires_at", "End of the token itself; the row is of no use after it", nullable=False),
        _time("revoked_at", "When it was revoked", server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_revoked_tokens"),
        schema="spyne",
    )
    op.create_index("ix_revoked_tokens_subject", "revoked_tokens", ["subject"], schema="spyne")
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"], schema="spyne")
    op.create_table(
        "login_attempts",
        _id(),
        sa.Column(
            "pair",
            sa.LargeBinary(),
            nullable=False,
            comment="Keyed hash of name and address; names may be mistyped passwords",
        ),
        _time("failed_at", "When it failed", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
        schema="spyne",
    )
    op.create_index("ix_login_attempts_pair_failed_at", "login_attempts", ["pair", "failed_at"], schema="spyne")
    op.create_index("ix_login_attempts_failed_at", "login_attempts", ["failed_at"], schema="spyne")
    grant("revoked_tokens", "SELECT, INSERT, DELETE")
    grant("login_attempts", "SELECT, INSERT, UPDATE, DELETE")  # UPDATE for SKIP LOCKED; rows are not changed


def downgrade() -> None:
    for table in (
        "login_attempts",
        "revoked_tokens",
        "api_keys",
        "client_roles",
        "api_clients",
        "user_roles",
        "role_permissions",
        "roles",
        "users",
    ):
        op.drop_table(table, schema="spyne")
