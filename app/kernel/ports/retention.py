"""What can be kept for a limited time: the protocol of retention targets, and their collection.

A domain registers its targets in the registry. Whatever a target removes it finds by one predicate, the same for a
preview and for a removal: age before a cut-off, in a state in which nobody needs it, and under no hold.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import Field

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.catalogue import Catalogue
from app.kernel.problems import NotFound
from app.kernel.runtime.resources import Resources
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment

Result = TypeVar("Result")


class HoldFilter(StrictModel):
    """What a hold is about: what lies within a time, by the time that counts for the category."""

    since: Moment | None = Field(None, description="Not before this time.", examples=["2026-01-01T00:00:00Z"])
    until: Moment | None = Field(None, description="Before this time.", examples=["2026-02-01T00:00:00Z"])


@dataclass(frozen=True, slots=True)
class Default:
    """What holds while no admin has decided anything."""

    days_to_keep: int
    enabled: bool = False
    """True for technical leftovers alone: what people have put in is kept until an admin says otherwise."""
    least_days: int = 1
    """A rule may not keep less."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much: rows, bytes as the category counts them, stored objects."""

    rows: int = 0
    bytes: int = 0
    objects: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run with the same cut-off would remove now."""

    amount: Amount
    held: Amount
    """Old enough, and kept by holds."""
    oldest: datetime | None
    newest: datetime | None
    """The times of what would go."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What one step has removed."""

    amount: Amount
    cursor: str | None
    """Where the next step begins; None at the end."""
    keys: Sequence[str] = field(default=())
    """Objects that nothing refers to any more; removed after the commit."""


@runtime_checkable
class RetentionTarget(Protocol):
    """A category of data."""

    @property
    def category(self) -> str:
        """The name: small letters and underscores."""

    @property
    def description(self) -> str:
        """What the data is, and by which time it is old, in a sentence."""

    @property
    def default(self) -> Default:
        """What holds without a rule."""

    @property
    def hold_filter(self) -> type[HoldFilter]:
        """What a hold may name."""

    @property
    def archives(self) -> bool:
        """Whether the data is archived before it goes, always."""

    async def preview(self, session: ReadSession, cut_off: datetime) -> Preview:
        """Count what is older than the cut-off."""

    async def delete_some(self, session: WriteSession, cut_off: datetime, cursor: str | None, limit: int) -> Removed:
        """Remove at most so many rows that are older than the cut-off and not held, from the cursor on.

        Where rows go together or not at all, what goes as one is removed even if it has more of them. Holds are looked
        up in the transaction that removes; the caller keeps new ones waiting meanwhile.
        """


class CategoryNotFound(NotFound):
    """No target has this name; the answer names those that exist."""

    code: ClassVar[str] = "unknown-category"
    title: ClassVar[str] = "There is no such category"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"The categories are {', '.join(names)}.", categories=list(names))


class RetentionTargets(Catalogue[RetentionTarget]):
    """Every target, in the order in which a sweep takes them: what refers to others goes before them."""

    naming = "category"

    def of(self, category: str) -> RetentionTarget:
        """The target of this name. Raises `CategoryNotFound`."""
        found = self.get(category)
        if found is None:
            raise CategoryNotFound(self.names())
        return found


class ArchivingContext(Protocol):
    """Where a target works that has to do something before anything goes; no session is open there."""

    @property
    def resources(self) -> Resources:
        """The process's collaborators."""

    async def apply(self, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
        """The result of the work, committed while the run goes on. Raises what ends a run: shield, cancellation."""

    async def register_object(self, key: str) -> None:
        """Note, committed, that an object will be written: it is removed again unless `keep_object` is called."""

    async def keep_object(self, session: WriteSession, key: str, document: dict[str, Any]) -> None:
        """Let the object stay when this transaction commits, and record the document in the run."""


@runtime_checkable
class Prepares(Protocol):
    """A target that archives: its removals find only what is in an archive."""

    async def prepare(self, context: ArchivingContext, cut_off: datetime) -> None:
        """Do what is to be done before anything older than the cut-off goes. At least once; resumable."""
