"""Sessions of a request, and what class of operation a route is.

Sessions are declared with `scope="function"`, so that the commit is over before the answer leaves: a commit that fails
answers 5xx.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends

from app.kernel.db.database import OperationClass, ReadSession, WriteSession
from app.kernel.runtime.resources import ResourcesDep


async def _reads(resources: ResourcesDep) -> AsyncIterator[ReadSession]:
    async with resources.database.read() as session:
        yield session


async def _writes(resources: ResourcesDep) -> AsyncIterator[WriteSession]:
    async with resources.database.write() as session:
        yield session


async def _controls(resources: ResourcesDep) -> AsyncIterator[WriteSession]:
    async with resources.database.write(OperationClass.CONTROL) as session:
        yield session


Reads = Annotated[ReadSession, Depends(_reads, scope="function")]
"""A read session for this request."""


Writes = Annotated[WriteSession, Depends(_writes, scope="function")]
"""A transaction for this request; refused while the shield is up."""


Controls = Annotated[WriteSession, Depends(_controls, scope="function")]
"""A transaction that switches the modes themselves; always open."""


OPERATION_CLASS = "x-operation-class"


def operation(kind: OperationClass) -> dict[str, Any]:
    """The `openapi_extra` of a route whose class is not what its method says; the shield at the door reads it."""
    return {OPERATION_CLASS: kind.value}


def declared_class(openapi_extra: dict[str, Any] | None) -> OperationClass:
    """The class that an operation declares; a write when it declares none, or one that does not exist."""
    declared = (openapi_extra or {}).get(OPERATION_CLASS)
    return next((kind for kind in OperationClass if kind.value == declared), OperationClass.WRITE)
