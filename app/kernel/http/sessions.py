"""Sessions of a request, and what class of operation a route is.

Sessions are declared with `scope="function"`, so that the commit is over before the answer leaves: a commit that fails
answers 5xx.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends

from app.kernel.db.database import OperationClass, ReadSession, Units, WriteSession
from app.kernel.runtime.resources import ResourcesDep


def _session(opening: Callable[[Units], AbstractAsyncContextManager[ReadSession]]) -> Any:
    async def session(resources: ResourcesDep) -> AsyncIterator[ReadSession]:
        async with opening(resources.database) as opened:
            yield opened

    return Depends(session, scope="function")


Reads = Annotated[ReadSession, _session(lambda units: units.read())]
"""A read session for this request."""
Snapshots = Annotated[ReadSession, _session(lambda units: units.snapshot())]
"""A read session for this request whose statements all see one snapshot."""
Writes = Annotated[WriteSession, _session(lambda units: units.write())]
"""A transaction for this request; refused while the shield is up."""
Controls = Annotated[WriteSession, _session(lambda units: units.write(OperationClass.CONTROL))]
"""A transaction that switches the modes themselves; always open."""


def _on(session: Any) -> Callable[[Callable[..., object]], Any]:
    """A helper that makes the dependency which builds a repository or service on such a session of the request.

    What the constructor takes besides the session is handed in by type: see `Resources.build`.
    """

    def dependency(kind: Callable[..., object]) -> Any:
        async def provide(session: ReadSession, resources: ResourcesDep) -> object:
            return resources.build(kind, session)

        provide.__annotations__["session"] = session
        return Depends(provide)

    return dependency


reads = _on(Reads)
"""`RunsDep = Annotated[RunReads, reads(RunReads)]`: built on a read session."""
snapshots = _on(Snapshots)
"""Built on a read session of one snapshot."""
writes = _on(Writes)
"""Built on the request's transaction."""
controls = _on(Controls)
"""Built on a transaction that is open in every mode."""


def provided(kind: Callable[..., object]) -> Any:
    """The dependency that builds a service which opens its own transactions, or needs none."""

    async def provide(resources: ResourcesDep) -> object:
        return resources.build(kind)

    return Depends(provide)


OPERATION_CLASS = "x-operation-class"


def operation(kind: OperationClass) -> dict[str, Any]:
    """The `openapi_extra` of a route whose class is not what its method says; the shield at the door reads it."""
    return {OPERATION_CLASS: kind.value}


def declared_class(openapi_extra: dict[str, Any] | None) -> OperationClass:
    """The class that an operation declares; a write when it declares none, or one that does not exist."""
    declared = (openapi_extra or {}).get(OPERATION_CLASS)
    return next((kind for kind in OperationClass if kind.value == declared), OperationClass.WRITE)
