"""Sound requests of the catalogue, asked as the matrix wants it: on a thing in a state, by a holder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.authorization.holders import Holder
from tests.authorization.matrix import Row, read
from tests.operations_catalogue import CATALOGUE
from tests.operations_catalogue.operation import Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Call:
    """A request without its credential."""

    method: str
    path: str
    more: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    """What stands in the answer exactly when the thing is in it."""
    bare: bool = False
    """Sent without a credential by everybody: one is what it asks for."""


class World(Workshop):
    """Things in every state that the matrix names, and a sound request of every operation on them."""

    async def call(self, row: Row, state: str, holder: Holder, *, fresh: bool) -> Call:
        """A sound request of the row's operation on a thing in this state.

        Args:
            row: names the operation.
            state: one of the row's.
            holder: who will send it; owns what is `own`.
            fresh: on a thing that no other call has, as the call will change it.
        """
        return called(row.operation, await self.make(row.operation, state, holder, fresh=fresh))

    async def make(self, operation: str, state: str, holder: Holder, *, fresh: bool) -> Prepared:
        """What a sound request of the operation, given by method and path, consists of; see `call`."""
        return await CATALOGUE[operation].prepare(Setting(self, state, holder, fresh=fresh))

    async def sound(self, operation: str, holder: Holder, *, fresh: bool) -> tuple[Row, Prepared]:
        """A sound request on a thing in the first state in which an ADMIN's is taken, if there is such; and its row."""
        rows = [row for row in read() if row.operation == operation]
        row = next((row for row in rows if row.takes("ADMIN")), rows[0])
        return row, await self.make(operation, row.states[0], holder, fresh=fresh)

    async def send(self, call: Call, holder: Holder) -> httpx.Response:
        """The answer to the call with the holder's credential."""
        more = dict(call.more)
        headers = ({} if call.bare else dict(holder.headers)) | more.pop("headers", {})
        return await self.anonymous.request(call.method, call.path, headers=headers, **more)


def called(operation: str, made: Prepared) -> Call:
    """The call of an operation, given by method and path, that was prepared."""
    method, path = operation.split(" ", 1)
    for name, value in made.ids.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"{operation}: its call does not say all of its ids"
    return Call(method, path, made.more, made.mark or next(iter(made.ids.values()), ""), made.bare)
