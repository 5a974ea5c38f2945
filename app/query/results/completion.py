"""Work that must not stop half-way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def completed(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work answers. A cancellation meanwhile is raised when the work is over."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen: the cancellation says more
        raise
