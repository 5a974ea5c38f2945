"""What an entry of the catalogue is: an operation, and how a sound request of it is prepared."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.authorization.holders import Holder
from tests.operations_catalogue.workshop import Workshop

CLOSED_FOR_DATA: Final = "system mode READ_ONLY"
"""State of the matrix in which the platform takes no data."""
OWN: Final = "own"
OWN_OF_PERSON: Final = "a person's own"
"""Asked by people alone: services have none."""

REASON: Final = {"reason": "the matrix wants it"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a sound request consists of beside its method and path."""

    ids: dict[str, str] = field(default_factory=dict)
    """By the names in the path's template."""
    more: dict[str, Any] = field(default_factory=dict)
    """`json`, `data`, `content`, `params` and `headers`, as httpx takes them. A JSON body has every field that the
    operation takes and that may stand together, so that walks over its values reach each."""
    mark: str = ""
    """What stands in the answer exactly when the thing is in it."""
    form: dict[str, Any] | None = None
    """The fields of a form of several parts, which is `content` too; for who writes the form anew."""
    bare: bool = False
    """Sent without a credential by everybody: one is what it asks for, or brings along."""


class Setting:
    """Where a request is to be made: on things in a state, by a holder."""

    def __init__(self, world: Workshop, state: str, holder: Holder, *, fresh: bool) -> None:
        """Takes the state from a row of the matrix; `fresh` asks for things that no other request has."""
        self.world = world
        self.state = state
        self.holder = holder
        self.fresh = fresh

    async def kept(self, kind: str, make: Callable[[], Awaitable[str]], key: str = "") -> str:
        """A thing of this kind and key, the same again unless it is to be fresh."""
        return await self.world.kept(kind, key, make, fresh=self.fresh)

    async def owned(self, kind: str, make: Callable[[Holder | None], Awaitable[str]]) -> str:
        """Something of the holder's own, or in all other states of another's."""
        whose = self.holder if self.state == OWN else None
        return await self.kept(kind, lambda: make(whose), whose.name if whose else "")


Prepare = Callable[[Setting], Awaitable[Prepared]]


async def nothing(_: Setting) -> Prepared:
    """For requests that need neither ids nor a body."""
    return Prepared()


def with_json(body: dict[str, Any]) -> Prepare:
    """For requests that need this body alone."""

    async def prepared(_: Setting) -> Prepared:
        return Prepared(more={"json": body})

    return prepared


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the OpenAPI document. What it answers to whom stands in tests/authorization/matrix.txt."""

    id: str
    """Its `operationId`."""
    method: str
    path: str
    """The template, as in the document."""
    prepare: Prepare = nothing

    @property
    def label(self) -> str:
        """Method and path, which is its name in the matrix."""
        return f"{self.method} {self.path}"
