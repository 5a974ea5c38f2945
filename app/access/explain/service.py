"""Explains to callers what they may do: from the database as it is now, not from what was remembered of them."""

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import BaseRoute

from app.access.credentials.repository import DirectoryRepository
from app.access.explain.operations import find_operation
from app.access.explain.rules import Explanation, Holding, explain
from app.access.subject_status import Credential
from app.access.subjects import parse_subject
from app.access.users.repository import RoleReads
from app.kernel.db.database import OperationClass, ReadSession
from app.kernel.problems import Problem, Unauthenticated
from app.kernel.security.authorization import ActorKind


class Doors(Protocol):
    """Knows what the maintenance mode stops."""

    def stopped(self, method: str, kind: OperationClass) -> Problem | None:
        """What an operation would be answered now, whoever asks; None when it may be tried."""
        ...


class Explaining:
    """Answers why an operation is open to the holder of a credential, or not."""

    def __init__(self, session: ReadSession, routes: Sequence[BaseRoute], doors: Doors) -> None:
        self._directory = DirectoryRepository(session)
        self._roles = RoleReads(session)
        self._routes = routes
        self._doors = doors

    async def explain(self, credential: Credential, operation_id: str) -> Explanation:
        """The explanation.

        Raises:
            UnknownOperation: no operation has this id.
            Unauthenticated: the holder was removed just now.
        """
        operation = find_operation(self._routes, operation_id)
        kind, id_ = parse_subject(credential.subject)
        directory = self._directory
        standing = await (directory.user(id_) if kind is ActorKind.USER else directory.client(id_))
        if standing is None:
            raise Unauthenticated
        holding = Holding(
            roles=await self._roles.allowing(standing.roles),
            token_scope=credential.scope,
            key_scope=standing.keys.get(credential.key_id) if credential.key_id is not None else None,
            must_change_password=standing.must_change_password,
        )
        return explain(operation, holding, self._doors.stopped(operation.method, operation.kind))
