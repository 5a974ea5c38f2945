"""The built-in roles and what they allow: the matrix of record. The migration seeds the same rows; a test compares."""

from enum import StrEnum

from app.kernel.authorization import Permission


class Role(StrEnum):
    """A named set of permissions; a caller may hold several, and has the union."""

    VIEWER = "VIEWER"
    ANALYST = "ANALYST"
    ENGINEER = "ENGINEER"
    ADMIN = "ADMIN"
    REQUESTOR = "REQUESTOR"
    APPROVER = "APPROVER"
    KNOWLEDGE_MANAGER = "KNOWLEDGE_MANAGER"


_VIEWER = frozenset({Permission.TABLES_READ, Permission.CONTRACTS_READ, Permission.QUERY_RUN})
_ANALYST = _VIEWER | {Permission.QUERY_OVERRIDE_JOINS}
_ENGINEER = _ANALYST | {
    Permission.TABLES_READ_SHADOW,
    Permission.CONTRACTS_WRITE,
    Permission.INGESTION_READ,
    Permission.INGESTION_WRITE,
}

MATRIX: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _ANALYST,
    Role.ENGINEER: _ENGINEER,
    Role.ADMIN: frozenset(Permission),
    Role.REQUESTOR: frozenset(),
    Role.APPROVER: frozenset(),
    Role.KNOWLEDGE_MANAGER: frozenset(),
}
"""Permissions by role (product.md, Roles and permissions). The add-on roles gain theirs with the add-on plane."""


def unknown_roles(names: frozenset[str]) -> list[str]:
    """The names which are no role, sorted."""
    return sorted(names - set(Role))
