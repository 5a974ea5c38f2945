"""The built-in roles and what they allow: the matrix of record. The migration seeds the same rows; a test compares."""

from collections.abc import Iterable
from enum import StrEnum

from app.kernel.problems import Fault, InvalidRequest
from app.kernel.security.authorization import Permission


class Role(StrEnum):
    """A named set of permissions; a caller may hold several, and has the union."""

    VIEWER = "VIEWER"
    ANALYST = "ANALYST"
    ENGINEER = "ENGINEER"
    ADMIN = "ADMIN"
    REQUESTOR = "REQUESTOR"
    APPROVER = "APPROVER"
    KNOWLEDGE_MANAGER = "KNOWLEDGE_MANAGER"


_EVERYBODY = frozenset({Permission.FLAGS_EVALUATE})
_VIEWER = _EVERYBODY | {Permission.TABLES_READ, Permission.CONTRACTS_READ, Permission.JOINS_READ, Permission.QUERY_RUN}
_ANALYST = _VIEWER | {Permission.QUERY_CORRECT, Permission.QUERY_OVERRIDE_JOINS, Permission.EXPORTS_RUN}
_ENGINEER = _ANALYST | {
    Permission.TABLES_READ_SHADOW,
    Permission.CONTRACTS_WRITE,
    Permission.JOINS_SUGGEST,
    Permission.GLOSSARY_WRITE,
    Permission.INGESTION_READ,
    Permission.INGESTION_WRITE,
}

MATRIX: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _ANALYST,
    Role.ENGINEER: _ENGINEER,
    Role.ADMIN: frozenset(Permission),
    Role.REQUESTOR: _EVERYBODY | {Permission.ADDONS_REQUEST, Permission.KNOWLEDGE_READ},
    Role.APPROVER: _EVERYBODY | {Permission.ADDONS_APPROVE, Permission.KNOWLEDGE_READ},
    Role.KNOWLEDGE_MANAGER: _EVERYBODY | {Permission.KNOWLEDGE_READ, Permission.KNOWLEDGE_MANAGE},
}
"""Permissions by role."""


def unknown_roles(names: frozenset[str]) -> list[str]:
    """The names which are no role, sorted."""
    return sorted(names - set(Role))


class UnknownRole(InvalidRequest):
    """A role that does not exist."""

    code, title = "unknown-role", "There is no such role"

    def __init__(self, names: list[str]) -> None:
        message = f"The roles are {', '.join(Role)}."
        super().__init__(message, faults=[Fault(pointer="/roles", code=self.code, message=message) for _ in names])


def checked_roles(names: Iterable[str]) -> frozenset[str]:
    """The roles. Raises `UnknownRole` when one of them does not exist."""
    wanted = frozenset(str(name) for name in names)
    unknown = unknown_roles(wanted)
    if unknown:
        raise UnknownRole(unknown)
    return wanted
