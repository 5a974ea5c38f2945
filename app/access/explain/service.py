"""Explains to callers what they may do: from the database as it is now, not from what was remembered of them."""

from collections.abc import Sequence
from typing import Protocol

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.access.explain.rules import Explanation, Holding, Operation, UnknownOperation, explain
from app.access.subject_repository import SubjectReads
from app.access.subject_status import Credential
from app.kernel.db.database import OperationClass, ReadSession
from app.kernel.http.sessions import declared_class
from app.kernel.problems import Problem, Unauthenticated
from app.kernel.security.authorization import needed_permissions


class Doors(Protocol):
    """Knows what the maintenance mode stops."""

    def stopped(self, method: str, kind: OperationClass) -> Problem | None:
        """The problem that an operation would be answered with now, whoever asks; None when it may be tried."""
        ...


class Explaining:
    """Explains why an operation is open to the holder of a credential, or not."""

    def __init__(self, session: ReadSession, routes: Sequence[BaseRoute], doors: Doors) -> None:
        self._subjects = SubjectReads(session)
        self._routes = routes
        self._doors = doors

    async def explain(self, credential: Credential, operation_id: str) -> Explanation:
        """The explanation.

        Raises:
            UnknownOperation: no operation has this id.
            Unauthenticated: the holder was removed just now.
        """
        operation = find_operation(self._routes, operation_id)
        status = await self._subjects.subject(credential.subject)
        if status is None:
            raise Unauthenticated
        holding = Holding(
            roles=await self._subjects.allowed_by(status.roles),
            token_scope=credential.scope,
            key_scope=status.keys.get(credential.key_id) if credential.key_id is not None else None,
            must_change_password=status.must_change_password,
        )
        return explain(operation, holding, self._doors.stopped(operation.method, operation.kind))


def find_operation(routes: Sequence[BaseRoute], operation_id: str) -> Operation:
    """The operation with this id. Raises `UnknownOperation`, with the nearest."""
    shown = [route for route in routes if isinstance(route, APIRoute) and route.include_in_schema]
    documented = {route.operation_id: route for route in shown if route.operation_id}
    route = documented.get(operation_id)
    if route is None:
        raise UnknownOperation(operation_id, documented)
    needed = needed_permissions(route.dependant)
    return Operation(
        id=operation_id,
        method=min(route.methods or {"GET"}),
        path=route.path_format,
        needed=needed or (),
        needs_credential=needed is not None,
        kind=declared_class(route.openapi_extra),
    )
