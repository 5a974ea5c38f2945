"""What identifies the rows of a table: its grain, and other columns that are unique. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from app.catalog.joins.discovery.estimates import is_nearly_unique, is_unique
from app.catalog.joins.discovery.likeness import Words, alike
from app.catalog.joins.discovery.model import UniqueAnswers
from app.catalog.joins.discovery.naming import (
    ColumnName,
    Reading,
    TargetName,
    entities,
    is_measure,
    is_specific,
    readings,
    shared_prefix,
)
from app.catalog.joins.discovery.words import LABELS, PROSE
from app.warehouse.evidence.samples import ColumnEvidence, Family, TableEvidence

_FRACTIONS: Final = re.compile(r"real|double|float|money|(?:numeric|decimal)\(\d+,\s*[1-9]")
"""Types of numbers that are measured: they identify nothing."""

NEVER: Final = -3
"""Likeness to a key of what describes a row, unless it is declared: comments are unique, too."""

USUAL: Final = 3
"""Tables whose keys have one name from which it is a habit: two may be a table and one that adds to it."""

NAMED: Final = 0.9
"""Likeness from which the words of a key are those of its table."""


@dataclass(frozen=True, slots=True)
class Grain:
    """The sets of columns that are unique in a table."""

    key: tuple[str, ...] | None
    """What a row of the table is identified by; None when nothing is known to be unique."""
    secondary: tuple[str, ...]
    """Other single columns that are unique: targets of references only where names say so."""
    composite: tuple[tuple[str, ...], ...]
    """Sets of several columns that are unique, the key included if it is one; no set with a smaller one in it."""
    weak: bool = False
    """Whether the key is only the least unlikely of columns that happen to be unique."""
    nearly: tuple[str, ...] = ()
    """Single columns that would be unique but for some rows: a key into which wrong rows came."""


@dataclass(frozen=True, slots=True)
class Named:
    """The names of a set of tables, read once."""

    columns: Mapping[tuple[str, str], ColumnName]
    """By table and column."""
    entities: Mapping[str, tuple[tuple[Words, float], ...]]

    def target(self, table: str, column: str, usual: AbstractSet[Reading]) -> TargetName:
        """The column as one that is referred to; what is usual for a key is read like a bare `id`."""
        keys = self.columns[table, column].readings
        read = tuple(Reading((), each.suffix or "id") if each in usual else each for each in keys)
        return TargetName(table, column, self.entities[table], read)


def read_names(tables: Sequence[TableEvidence]) -> Named:
    """The names of all tables and columns as they are read."""
    about = entities(each.table for each in tables)
    columns = {}
    for each in tables:
        prefix = shared_prefix([column.name for column in each.columns])
        entity = [words for words, worth in about[each.table] if worth > NAMED][-1]
        for column in each.columns:
            columns[each.table, column.name] = ColumnName(
                each.table, column.name, readings(column.name, prefix), entity
            )
    return Named(columns, about)


def can_refer(column: ColumnEvidence) -> bool:
    """Whether the type is one of identification, and there are values: fractions and empty columns are not."""
    return len(column.sample.hashes) > 0 and not _FRACTIONS.match(column.type)


def grains(tables: Sequence[TableEvidence], named: Named, answers: UniqueAnswers) -> Mapping[str, Grain]:
    """By table what identifies its rows.

    A declared key comes first; else the single unique column whose name looks most like a key, then whose place is
    first; else a set of columns that was answered to be unique, the smallest first.
    """
    elsewhere = _tables_by_name(tables, named)
    asked: dict[str, list[tuple[str, ...]]] = {}
    for question, unique in answers.items():
        if unique:
            asked.setdefault(question.table, []).append(question.columns)
    return {each.table: _grain(each, named, elsewhere, sorted(asked.get(each.table, ()), key=len)) for each in tables}


def _grain(
    table: TableEvidence, named: Named, elsewhere: Counter[Reading], answered: Sequence[tuple[str, ...]]
) -> Grain:
    kept = {column.name for column in table.columns}
    declared = [key for key in table.keys if kept.issuperset(key)]
    single = [key[0] for key in declared if len(key) == 1]
    unique = [
        column.name
        for column in table.columns
        if column.name not in single and can_refer(column) and not column.nulls and is_unique(column.sample)
    ]
    likeness = {name: _likeness(named, table.table, name, elsewhere, table) for name in unique}
    ranked = sorted(unique, key=lambda name: -likeness[name])
    composite = _smallest([each for each in (*declared, *answered) if len(each) > 1])
    weak = not declared and (not ranked or likeness[ranked[0]] < 0)
    if declared:
        key: tuple[str, ...] | None = declared[0]
    elif ranked and likeness[ranked[0]] > NEVER and not (weak and composite):
        key = (ranked[0],)
    else:
        key = composite[0] if composite else None
    known = {*single, *unique}
    nearly = tuple(
        column.name
        for column in table.columns
        if column.name not in known and can_refer(column) and is_nearly_unique(column, table.rows)
    )
    return Grain(key, tuple(name for name in (*single, *ranked) if (name,) != key), composite, weak, nearly)


def _smallest(sets: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The sets that no other is a part of: with more columns a unique set is unique, too, and says nothing new."""
    return tuple(each for each in dict.fromkeys(sets) if not any(set(other) < set(each) for other in sets))


def _likeness(named: Named, table: str, name: str, elsewhere: Counter[Reading], evidence: TableEvidence) -> int:
    """How much the column looks like the key of its table, from `NEVER`; equal ones are told apart by their place."""
    column = named.columns[table, name]
    family = next(each.family for each in evidence.columns if each.name == name)
    if is_measure(column) or family in {Family.DATE, Family.INSTANT}:
        return -2
    for reading in column.readings:
        if reading.suffix in {"id", "ref"} and is_named_for(reading, named.entities[table]):
            return 5
    if any(reading.suffix in {"id", "code", "number"} for reading in column.readings):
        return 3
    if any(elsewhere[reading] > 1 and is_specific(reading) for reading in column.readings):
        return 2
    last = {reading.words[-1] for reading in column.readings if reading.words}
    return NEVER if last & PROSE else -1 if last & LABELS else 0


def usual_keys(found: Mapping[str, Grain], named: Named) -> AbstractSet[Reading]:
    """What the keys of several tables are called that is the name of none of them: `record_id` in each table.

    A column of that name does not refer to another table any more than `id` does.
    """
    counted: Counter[Reading] = Counter()
    for table, grain in found.items():
        if grain.key and len(grain.key) == 1:
            counted.update(named.columns[table, grain.key[0]].readings)
    often = {reading for reading, tables in counted.items() if tables >= USUAL and reading.words}
    return {each for each in often if not any(is_named_for(each, about) for about in named.entities.values())}


def is_named_for(reading: Reading, about: Sequence[tuple[Words, float]]) -> bool:
    """Whether the words are those of the table, or its initials, or none at all."""
    joined = "".join(reading.words)
    return not joined or any(
        alike(reading.words, words)[0] >= NAMED or joined == "".join(word[0] for word in words) for words, _ in about
    )


def _tables_by_name(tables: Sequence[TableEvidence], named: Named) -> Counter[Reading]:
    """In how many tables a column is read so."""
    found: Counter[Reading] = Counter()
    for each in tables:
        names = (named.columns[each.table, column.name] for column in each.columns)
        found.update({reading for name in names for reading in name.readings})
    return found
