"""Why an operation is allowed or denied to a caller. Rules only, no I/O: those that the doors apply, with all reasons.

An explanation says what the caller's credential, roles and the modes decide. The state of a thing, its owner and the
bounds of rates may stand against a request still.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.access.credentials.one_time_passwords import is_open
from app.kernel.db.database import OperationClass
from app.kernel.problems import Fault, InvalidRequest, Problem
from app.kernel.security.authorization import Permission

NEAREST = 5


class Narrowing(StrEnum):
    """What takes a permission away that a role gives."""

    TOKEN_SCOPE = "token-scope"  # noqa: S105 - a reason
    KEY_SCOPE = "key-scope"


class UnknownOperation(InvalidRequest):
    """No operation has this id."""

    code, title = "unknown-operation", "There is no such operation"

    def __init__(self, wanted: str, ids: Iterable[str]) -> None:
        nearest = nearest_ids(wanted, ids)
        message = f"The nearest are {', '.join(nearest)}." if nearest else "The OpenAPI document has the operation ids."
        super().__init__(message, faults=[Fault(pointer="query/explain", code=self.code, message=message)])
        self.fields["nearest"] = nearest


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the service."""

    id: str
    method: str
    path: str
    """The template."""
    needed: tuple[Permission, ...]
    needs_credential: bool
    kind: OperationClass


@dataclass(frozen=True, slots=True)
class Holding:
    """The roles of the caller, and what narrows them."""

    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The permissions of each role held."""
    token_scope: frozenset[str] | None = None
    key_scope: frozenset[str] | None = None
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A permission that the operation needs, and whether the caller has it."""

    permission: Permission
    roles: tuple[str, ...]
    """The caller's roles that give it, sorted."""
    narrowed_by: tuple[Narrowing, ...]

    @property
    def held(self) -> bool:
        """Whether the caller has it with this credential."""
        return bool(self.roles) and not self.narrowed_by


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands against the operation."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the operation is open to the caller now, and why."""

    operation: Operation
    checks: tuple[Check, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def allowed(self) -> bool:
        """Whether nothing stands against it."""
        return not self.obstacles


def explain(operation: Operation, holding: Holding, stopped: Problem | None) -> Explanation:
    """The explanation.

    Args:
        operation: what is asked about.
        holding: what the caller holds.
        stopped: what the door would answer to everybody, because of the maintenance mode.
    """
    checks = tuple(_check(permission, holding) for permission in operation.needed)
    obstacles = [] if stopped is None else [Obstacle(stopped.code, stopped.detail)]
    needs_change = operation.needs_credential and holding.must_change_password
    if needs_change and not is_open(operation.method, operation.path):
        obstacles.append(Obstacle("password-change-needed", "The one-time password must be changed first."))
    obstacles += [_denied(check) for check in checks if not check.held]
    return Explanation(operation, checks, tuple(obstacles))


def nearest_ids(wanted: str, ids: Iterable[str]) -> list[str]:
    """The operation ids that are most like the wanted one, the most alike first."""
    return difflib.get_close_matches(wanted.casefold().replace("-", "_"), sorted(ids), NEAREST, cutoff=0.4)


def _check(permission: Permission, holding: Holding) -> Check:
    roles = tuple(sorted(role for role, allowed in holding.roles.items() if permission in allowed))
    scopes: Sequence[tuple[Narrowing, frozenset[str] | None]] = (
        (Narrowing.TOKEN_SCOPE, holding.token_scope),
        (Narrowing.KEY_SCOPE, holding.key_scope),
    )
    return Check(
        permission, roles, tuple(kind for kind, scope in scopes if scope is not None and permission not in scope)
    )


def _denied(check: Check) -> Obstacle:
    if not check.roles:
        return Obstacle("permission-missing", f"No role of the caller allows {check.permission}.")
    narrowed = {
        Narrowing.TOKEN_SCOPE: f"The token is narrowed to scopes without {check.permission}.",
        Narrowing.KEY_SCOPE: f"The key is narrowed to scopes without {check.permission}.",
    }
    return Obstacle(check.narrowed_by[0].value, " ".join(narrowed[kind] for kind in check.narrowed_by))
