"""What a run does, part by part, and what names its plan. Pure."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson


class RunKind(StrEnum):
    """What a run is for."""

    ROLLBACK = "rollback"
    REPLAY = "replay"
    QUARANTINE = "quarantine"
    BACKFILL = "backfill"


class RunStatus(StrEnum):
    """Where a run stands; the last three are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    """The parts that were done stay; `problem` says why the next one could not be."""
    CANCELLED = "CANCELLED"
    """The parts that were done stay."""


OPEN: Final = (RunStatus.PENDING, RunStatus.RUNNING)


class Action(StrEnum):
    """What a part does with its batch."""

    ROLLBACK = "rollback"
    """Takes it back."""
    REPLAY = "replay"
    """Takes the rows of its body again."""
    QUARANTINE = "quarantine"
    """Takes those lines of its body again that were refused."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run: one batch, in one transaction."""

    number: int
    """From 1."""
    action: Action
    batch_id: UUID


@dataclass(frozen=True, slots=True)
class World:
    """What a plan was made on: it holds while no batch has come in and the schema is the same."""

    schema_version: int | None
    latest: int
    """The highest place in the order of merges among the batches of the relation."""

    def document(self) -> dict[str, Any]:
        """The world as it is stored with a run."""
        return {"schema_version": self.schema_version, "latest": self.latest}


def plan_hash(world_digest: str, counts: dict[str, int], deleted: int) -> str:
    """The hash of a plan: 64 hexadecimal digits, of which the second half is over what comes of it."""
    return world_digest + _digest([counts, deleted])


def is_of_world(plan: str, world_digest: str) -> bool:
    """Whether a plan's hash was made on this world."""
    return plan[: len(world_digest)] == world_digest


def _digest(document: Any) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def add_counts(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """The sums, by verdict."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in counts | more}


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan before its parts are tried: what will be done, in which order, and on which data."""

    kind: RunKind
    contract_id: str
    world: World
    parts: tuple[Part, ...] = ()
    """All parts; none of a backfill, which finds its parts as it reads."""
    rows_total: int | None = None
    """Rows that will be read, when that is known before."""
    warnings: tuple[str, ...] = ()
    later: tuple[UUID, ...] = ()
    """Batches that came later and may have brought the same rows without writing them."""

    items: tuple[str, ...] = ()
    """Bodies that a backfill will read, in order; batches that a replay is asked for."""
    read: tuple[str, ...] = ()
    """What names the content of objects among them."""

    def digest(self, request: dict[str, Any]) -> str:
        """The first half of the hash of the plan for what is asked for: 32 hexadecimal digits."""
        parts = [[part.action, str(part.batch_id)] for part in self.parts]
        return _digest([request, parts, self.rows_total, self.items, self.read, self.world.document()])
