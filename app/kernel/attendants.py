"""What goes on in a process beside its requests or jobs: watches, caches that refresh themselves, sealing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.kernel.resources import Resources

Attend = Callable[[Resources], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Attendant:
    """Goes on while its block does; at the block's end it has stopped."""

    name: str
    attend: Attend
    in_api: bool = False
    in_worker: bool = False


@asynccontextmanager
async def attended(attendants: Sequence[Attendant], resources: Resources) -> AsyncIterator[None]:
    """All of them go on within the block."""
    async with AsyncExitStack() as stack:
        for attendant in attendants:
            await stack.enter_async_context(attendant.attend(resources))
        yield
