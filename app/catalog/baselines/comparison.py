"""A table's baseline beside the relation that is there now: what changed, and whether that is worth a word. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.baselines.documents import Baseline, compared, is_same_relation
from app.catalog.drift.change import Change
from app.catalog.drift.classify import classify
from app.catalog.drift.policy import RuleId, graded
from app.catalog.drift.schema import TableSchema
from app.warehouse.live import LiveRelation, LiveRelations
from app.warehouse.naming import RelationName


@dataclass(frozen=True, slots=True)
class BaselinedTable:
    """A version of a table with its baseline: the one that is kept, or the one that its stored shape gives."""

    id: UUID
    label: str
    """`name@version`."""
    relation: RelationName
    """The name by which queries read the relation."""
    baseline: Baseline
    taken_at: datetime | None
    """When the baseline was taken; None while none is kept."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What changed of the relation behind a table since its baseline."""

    table_id: UUID
    label: str
    """`name@version` of the table."""
    changes: tuple[Change, ...]
    """At least one; never changes that a restore brings about."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table with its baseline, and the relation as it is now."""

    table: BaselinedTable
    live: LiveRelation | None
    """None when the relation is gone."""

    @property
    def old(self) -> TableSchema:
        """The schema of the baseline, in the words of now where only words differ."""
        if self.live is None:
            return compared(self.table.baseline, self.table.baseline.relation)[0]
        return compared(self.table.baseline, self.live)[0]

    @property
    def new(self) -> TableSchema | None:
        """The schema of now, reduced to what the baseline knows; None when the relation is gone."""
        return None if self.live is None else compared(self.table.baseline, self.live)[1]

    @property
    def is_renamed(self) -> bool:
        """Whether the relation is there under another name or in another schema, where no query finds it."""
        return self.live is not None and self.live.name != self.table.relation

    def changes(self) -> tuple[Change, ...]:
        """What changed: of the relation as a whole first, then of its columns."""
        if self.live is None:
            return (graded(RuleId.RELATION_GONE, "", str(self.table.relation), None),)
        if self.live == self.table.baseline.relation and not self.is_renamed:
            return ()  # so it is nearly always, and comparing equals column by column costs a hundred times as much
        return self._of_the_whole(self.live) + classify(*compared(self.table.baseline, self.live))

    def calls_for_renewal(self) -> bool:
        """Whether nothing changed, and the baseline knows less than there is: other numbers, or no numbers at all.

        So it is after a restore, after a view was made anew, and for tables adopted before there were baselines.
        """
        if self.live is None or is_same_relation(self.table.baseline.relation, self.live):
            return False
        return not self.changes()

    def _of_the_whole(self, live: LiveRelation) -> tuple[Change, ...]:
        before, found = self.table.baseline.relation, []
        if self.is_renamed:
            found.append(graded(RuleId.RELATION_RENAMED, "", str(self.table.relation), str(live.name)))
        if self.table.baseline.whole and before.comment != live.comment:
            found.append(graded(RuleId.WORDS_CHANGED, "/description", before.comment, live.comment))
        return tuple(found)


def comparison(table: BaselinedTable, relations: LiveRelations) -> Comparison | None:
    """The table beside the relation that bears its name; else beside its own relation under whatever name that has.

    None while that relation is busy: what it will look like is not decided yet.
    """
    before = table.baseline.relation
    if table.relation in relations.busy:
        return None
    if table.relation not in relations.by_name and table.baseline.whole and before.oid in relations.busy.values():
        return None
    same = relations.by_oid.get(before.oid)
    own = same if same is not None and is_same_relation(before, same) else None
    return Comparison(table, relations.by_name.get(table.relation, own))
