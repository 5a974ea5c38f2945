"""Keeps what processes know of the protection of the edge at most a second old.

One small read tells whether anything has changed; only then is everything read again. A database that is away leaves
what was known last in force.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.attendants import Attendant
from app.kernel.database import ReadSession
from app.kernel.policy import SecurityPolicy
from app.kernel.resources import Resources
from app.operations.security.blocking import FOREVER, BlockKind, NetworkIndex, Target
from app.operations.security.documents import PolicyDocument
from app.operations.security.models import BlockRow
from app.operations.security.rates import in_force
from app.operations.security.recording import recording
from app.operations.security.repository import POLICY, SecurityReads
from app.operations.security.view import Edge, EdgeView

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 0.4
"""How often a process looks; the promise is one second."""


async def stored_policy(session: ReadSession) -> tuple[SecurityPolicy, int]:
    """The policy as it was decided, and its version; the defaults when nothing was."""
    found = await SecurityReads(session).config.get(POLICY)
    if found is None:
        return SecurityPolicy(), 0
    return PolicyDocument.stored(found[0]).policy(), found[1]


@asynccontextmanager
async def repeating(look: Callable[[], Coroutine[Any, Any, None]], name: str, pause: float) -> AsyncIterator[None]:
    """Look now, then again and again while the block runs; what fails is told and tried again."""

    async def forever() -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await look()
            except (SQLAlchemyError, OSError, ValidationError, ValueError) as error:
                log.warning("what the door knows cannot be read", extra={"error": type(error).__name__})

    await look()
    task = asyncio.create_task(forever(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class EdgeWatch:
    """Reads what has changed into an `Edge` and into the process's resources."""

    def __init__(self, edge: Edge, resources: Resources) -> None:
        self._edge = edge
        self._resources = resources
        self._seen: int | None = None

    async def look(self) -> None:
        """Read everything if anything has changed."""
        async with self._resources.database.read() as session:
            revision = await SecurityReads(session).revision()
        if revision == self._seen:
            return
        async with self._resources.database.snapshot() as session:
            reads = SecurityReads(session)
            revision = await reads.revision()
            policy, _ = await stored_policy(session)
            blocks = await reads.open_blocks(self._resources.clock())
            decoys = await reads.decoys()
            rates = await reads.rates()
        targets = [(_target(block), _until(block)) for block in blocks]
        networks = [(target.network, until) for target, until in targets if target.network is not None]
        subjects = {target.subject: until for target, until in targets if target.subject is not None}
        self._resources.policy.replace(policy)
        self._resources.blocked_subjects.replace(subjects)
        self._resources.decoy_keys.replace(frozenset(decoy.digest for decoy in decoys if decoy.digest is not None))
        self._edge.view = EdgeView(
            rates=in_force(rates),
            blocked_networks=NetworkIndex(networks),
            decoy_paths=frozenset(decoy.path for decoy in decoys if decoy.path is not None),
            allowed_networks=policy.allowed_networks,
            revision=revision,
        )
        self._seen = revision


def _target(block: BlockRow) -> Target:
    return Target(BlockKind(block.kind), block.target)


def _until(block: BlockRow) -> float:
    return FOREVER if block.expires_at is None else block.expires_at.timestamp()


@asynccontextmanager
async def guarding(edge: Edge, resources: Resources) -> AsyncIterator[None]:
    """The door knows its rules, at most `WATCH_SECONDS` old, while the block runs."""
    edge.policy = resources.policy
    edge.events = resources.events
    edge.recognised = resources.authenticator.recognised
    watch = EdgeWatch(edge, resources)
    try:
        async with repeating(watch.look, "edge-watch", WATCH_SECONDS):
            yield
    finally:
        if edge.shared is not None:
            await edge.shared.close()


@asynccontextmanager
async def _policy(resources: Resources) -> AsyncIterator[None]:
    seen: int | None = None

    async def look() -> None:
        nonlocal seen
        async with resources.database.read() as session:
            policy, version = await stored_policy(session)
        if version != seen:
            resources.policy.replace(policy)
            seen = version

    async with repeating(look, "policy-watch", WATCH_SECONDS):
        yield


ATTENDANTS = (
    Attendant("security-policy", _policy, in_worker=True),
    Attendant("security-events", recording, in_api=True, in_worker=True),
)
