"""Keeps what processes know of the protection of the edge at most a second old.

One small read shows whether anything has changed; only then is everything read again. A database that is away leaves
what was known last in force.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.ports.decisions import Watched
from app.kernel.runtime.background import BackgroundTask, watching
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import BlockedSubjects, DecoyKeys
from app.kernel.security.policy import PolicyInForce
from app.operations.decisions.watch import WATCH_SECONDS
from app.operations.security.edge.blocking import FOREVER, BlockKind, NetworkIndex, Target
from app.operations.security.edge.edge_state import Edge, EdgeView
from app.operations.security.edge.rates import in_force
from app.operations.security.models import BlockRow
from app.operations.security.repository import POLICY, SecurityReads


class EdgeWatch:
    """Reads what has changed into an `Edge`, the policy, and the subjects and keys that are blocked."""

    def __init__(
        self,
        edge: Edge,
        units: Units,
        policy: PolicyInForce,
        subjects: BlockedSubjects,
        decoys: DecoyKeys,
        clock: Clock,
    ) -> None:
        self._edge, self._units, self._clock = edge, units, clock
        self._policy, self._subjects, self._decoys = policy, subjects, decoys
        self._seen: int | None = None

    async def look(self) -> None:
        """Read everything if anything has changed."""
        async with self._units.read() as session:
            revision = await SecurityReads(session).revision()
        if revision == self._seen:
            return
        async with self._units.snapshot() as session:
            reads = SecurityReads(session)
            revision = await reads.revision()
            policy, _ = await reads.policy()
            blocks = await reads.open_blocks(self._clock())
            decoys = await reads.decoys()
            rates = await reads.rates()
        targets = [(Target(BlockKind(block.kind), block.target), _until(block)) for block in blocks]
        networks = [(target.network, until) for target, until in targets if target.network is not None]
        subjects = {target.subject: until for target, until in targets if target.subject is not None}
        self._policy.replace(policy)
        self._subjects.replace(subjects)
        self._decoys.replace(frozenset(decoy.digest for decoy in decoys if decoy.digest is not None))
        self._edge.view = EdgeView(
            rates=in_force(rates),
            blocked_networks=NetworkIndex(networks),
            decoy_paths=frozenset(decoy.path for decoy in decoys if decoy.path is not None),
            allowed_networks=policy.allowed_networks,
            revision=revision,
        )
        self._seen = revision


def _until(block: BlockRow) -> float:
    return FOREVER if block.expires_at is None else block.expires_at.timestamp()


@asynccontextmanager
async def _guarding(resources: Resources) -> AsyncIterator[None]:
    """The door knows its rules, at most `WATCH_SECONDS` old, while the block runs."""
    edge = resources.extensions.of(Edge)
    edge.policy = resources.policy
    edge.events = resources.events
    edge.recognised = resources.authenticator.recognised
    try:
        async with watching("edge", resources.build(EdgeWatch, edge).look, WATCH_SECONDS):
            yield
    finally:
        if edge.shared is not None:
            await edge.shared.close()


async def _reload_policy(resources: Resources) -> None:
    async with resources.database.read() as session:
        policy, _ = await SecurityReads(session).policy()
    resources.policy.replace(policy)


BACKGROUND = (BackgroundTask("edge", _guarding, WATCH_SECONDS, in_api=True),)
WATCHED = (Watched(POLICY, _reload_policy),)
