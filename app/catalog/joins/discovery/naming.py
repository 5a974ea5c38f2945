"""What names say of references: which table and key the name of a column means. Pure.

A name is read in several ways (with and without a prefix that all columns of its table share, with a suffix that is
its last word or is glued to it), and the best reading counts. Evidence goes from 0 (none) to 1 (the column is named
for the table and its key).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.catalog.joins.discovery.likeness import NAMES, ROLE_BEFORE, TAIL, Words, alike
from app.catalog.joins.discovery.words import (
    ABBREVIATIONS,
    BY,
    CLASSIFYING,
    COUNTING,
    EXTENDING,
    GENERIC,
    GLUED,
    HIERARCHY,
    LEADING,
    MEASURES,
    NOISE,
    PEOPLE,
    PROSE,
    RANKS,
    ROLES,
    SUFFIXES,
    TO,
)

FEWEST_SHARING: Final = 3
"""Columns, or tables, from which a beginning that all share is a prefix: two share one by chance or by kinship."""

EQUAL_KEYS: Final = 0.9
"""Of the very name of the key, which is not that of its table (`tailnum`): as sure as names are without the table."""

ROLE: Final = 0.66
"""Of a role that people or places of the table have: plausible, and never as sure as a name."""

HIERARCHICAL: Final = 0.7
"""Of a role towards another row of the same table."""

PART_OF: Final = 0.62
"""Of a name that ends in `of`, towards another row of the same table: `episode_of`; members are of other tables."""

WITHOUT_SUFFIX: Final = 0.92
"""What is left of evidence where the column does not say that it identifies anything: `customer`."""

OTHER_KIND: Final = 0.88
"""What is left where the column is one kind of identification and the key another: `country_code`, `countries.id`."""

EXTENSION: Final = 0.6
"""Of the first words of a table that adds to another one, which may be missing: `movie`, `movie_info`."""

CLASSES: Final = 0.8
"""Of the first words of a table of types, which lists them as well: `role`, `role_type`."""

_BOUNDARY: Final = re.compile(r"[^0-9A-Za-z\u0080-\uffff]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the name of a column."""

    words: Words
    """What it is about: singular, lower case, without suffix; empty of a bare `id`."""
    suffix: str
    """The kind of identification: `id`, `code`, `number`, `ref`, `to` or `of` (prepositions), or nothing."""


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column as its name is read."""

    table: str
    column: str
    readings: tuple[Reading, ...]
    entity: Words
    """What its own table is about."""


@dataclass(frozen=True, slots=True)
class TargetName:
    """A table and the column that it may be referred to by."""

    table: str
    column: str
    entities: tuple[tuple[Words, float], ...]
    """What the table is about, in several readings, each with what a match is worth."""
    keys: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class NameEvidence:
    """How sure a name makes a reference, and why in plain words."""

    score: float
    reason: str


NONE: Final = NameEvidence(0.0, "")


def split(name: str) -> Words:
    """The words of the name in lower case, as they stand."""
    return tuple(part.lower() for part in _BOUNDARY.split(name) if part)


def singular(word: str) -> str:
    """The word without the ending of an English plural, for comparison: `movies` and `movie` are both `movy`."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is", "series", "species", "news")):  # noqa: PLR2004 - `gas`, `ids`
        return word
    if word.endswith(("sses", "xes", "ches", "shes")) or (word.endswith("uses") and word[-5:-4] not in "ao"):
        return word[:-2]
    word = word.removesuffix("s")
    return f"{word[:-2]}y" if word.endswith("ie") and len(word) > 3 else word  # noqa: PLR2004 - `pie`


def shared_prefix(names: Sequence[str]) -> str:
    """The beginning that all the names share, up to a separator where there is one; nothing of fewer than three."""
    if len(names) < FEWEST_SHARING:
        return ""
    first, last = min(names), max(names)
    same = next((place for place, letter in enumerate(first) if last[place : place + 1] != letter), len(first))
    prefix = first[:same]
    if "_" in prefix:
        return prefix[: prefix.rindex("_") + 1]
    shortest = 2
    return prefix if len(prefix) >= shortest and not any("_" in name for name in names) else ""


@lru_cache(maxsize=16_384)
def readings(name: str, prefix: str = "") -> tuple[Reading, ...]:
    """The ways to read the name, as it stands and without the prefix that it shares with its table's columns."""
    found = list(_readings(split(name)))
    if prefix and name.startswith(prefix) and len(name) > len(prefix):
        found += _readings(split(name[len(prefix) :]))
    return tuple(dict.fromkeys(found))


def _readings(words: Words) -> list[Reading]:
    if not words:
        return []
    if len(words) > 1 and words[0] in LEADING:
        rest = words[1:-1] if words[-1] in SUFFIXES and len(words) > 2 else words[1:]  # noqa: PLR2004 - fk, what, id
        return [Reading(_singulars(rest), SUFFIXES.get(words[0], "id"))]
    last = words[-1]
    if last in SUFFIXES:
        if len(words) > 2 and words[-2] in TO:  # noqa: PLR2004 - what, preposition, id
            return [Reading(_singulars(words[:-2]), TO[words[-2]])]
        found = [Reading(_singulars(words[:-1]), SUFFIXES[last])]
        return [*found, Reading(("u",), "id")] if words == ("uid",) else found  # as likely of users as unique
    if last in TO and len(words) > 1:
        return [Reading(_singulars(words[:-1]), TO[last])]
    found = [Reading(_singulars(words), "")]
    for suffix in GLUED:
        if last.endswith(suffix) and len(last) > len(suffix) and last not in MEASURES:
            found.append(Reading(_singulars((*words[:-1], last[: -len(suffix)])), SUFFIXES[suffix]))
            break
    return found


def _singulars(words: Words) -> Words:
    return tuple(singular(word) for word in words)


def entities(tables: Iterable[str]) -> Mapping[str, tuple[tuple[Words, float], ...]]:
    """By table what it is about: its name, and its name without a prefix of many tables or a word of purpose."""
    names = list(tables)
    prefix = shared_prefix(names)
    bases = {name: split(name.rpartition(".")[2]) for name in names}
    whole = {_singulars(words) for words in bases.values()}
    first = Counter(words[0] for words in bases.values() if len(words) > 1)
    found = {}
    for name, words in bases.items():
        variants = {_singulars(words): 1.0}
        stripped = words[1:] if words and words[0] in NOISE else words
        stripped = stripped[:-1] if len(stripped) > 1 and stripped[-1] in NOISE else stripped
        if stripped:
            variants.setdefault(_singulars(stripped), 1.0)
            last = singular(stripped[-1])
            if len(stripped) > 1 and last in EXTENDING | CLASSIFYING:
                variants.setdefault(_singulars(stripped[:-1]), EXTENSION if last in EXTENDING else CLASSES)
        if prefix and len(name) > len(prefix):
            variants.setdefault(_singulars(split(name[len(prefix) :])), 1.0)
        if len(words) > 1 and first[words[0]] >= FEWEST_SHARING and (singular(words[0]),) not in whole:
            variants.setdefault(_singulars(words[1:]), 0.97)
        found[name] = tuple(variants.items())
    return found


def evidence(column: ColumnName, target: TargetName) -> NameEvidence:
    """The strongest that the name of the column says for the target."""
    found = NONE
    for reading in column.readings:
        for each in (
            _by_table(column, reading, target),
            _by_key(column, reading, target),
            _by_role(column, reading, target),
        ):
            if each.score > found.score:
                found = each
    return found


def _by_table(column: ColumnName, reading: Reading, target: TargetName) -> NameEvidence:
    """Evidence that the column is named for the table."""
    if not reading.words:
        return NONE
    best, how = 0.0, ""
    for entity, worth in target.entities:
        likeness, words = alike(reading.words, entity)
        if column.table == target.table:
            likeness = likeness if "after" in words else 0.0  # a table's own name on its own column is no reference
        elif (*column.entity, *reading.words) == entity:
            likeness, words = 0.95, "is the table {table} of this table"
        if worth < EQUAL_KEYS and words == NAMES:
            words = "is the first part of the name of {table}"
        if likeness * worth > best:
            best, how = likeness * worth, words
    if not best:
        return NONE
    score = best * _of_suffix(reading, target)
    too = how == NAMES and any(key.words in ((), reading.words) and key.suffix == reading.suffix for key in target.keys)
    return NameEvidence(score, f"{column.column} {how.format(table=target.table)}{' and its key' if too else ''}")


def _of_suffix(reading: Reading, target: TargetName) -> float:
    if not reading.suffix:
        return WITHOUT_SUFFIX
    kinds = {key.suffix for key in target.keys}
    if reading.suffix in {"ref", "to", "of"} or reading.suffix in kinds or "" in kinds:
        return 1.0
    return OTHER_KIND


def _by_key(column: ColumnName, reading: Reading, target: TargetName) -> NameEvidence:
    """Evidence that the column has the name of the key, where that is a name of its own."""
    best = NONE
    if column.table == target.table:
        return NONE
    for key in target.keys:
        if not is_specific(key):
            continue
        if reading == key:
            home = max((alike(key.words, entity)[0] * worth for entity, worth in target.entities), default=0.0)
            home = max(home, 0.5 if _is_initial(key, target) else 0.0)
            score = EQUAL_KEYS + (1 - EQUAL_KEYS) * home
            said = "names the table {table} and its key" if home > TAIL else "has the name of the key of {table}"
            best = max(
                best, NameEvidence(score, f"{column.column} {said.format(table=target.table)}"), key=lambda e: e.score
            )
        elif len(key.words[-1]) > 2 and reading.words[-len(key.words) :] == key.words and reading.suffix == key.suffix:  # noqa: PLR2004
            said = f"{column.column} ends in the name of the key of {target.table}"
            best = max(best, NameEvidence(EQUAL_KEYS * ROLE_BEFORE, said), key=lambda e: e.score)
    return best


def _is_initial(key: Reading, target: TargetName) -> bool:
    return any("".join(key.words) == "".join(word[0] for word in entity) for entity, _ in target.entities)


def is_specific(reading: Reading) -> bool:
    """Whether the name belongs to one thing, so that two columns that have it are about the same."""
    return any(word not in GENERIC for word in reading.words)


def _by_role(column: ColumnName, reading: Reading, target: TargetName) -> NameEvidence:
    """Evidence that the column names a role that rows of the table have."""
    if not reading.words:
        return NONE
    last = ABBREVIATIONS.get(reading.words[-1], reading.words[-1])
    own = column.table == target.table
    of_people = any(entity and entity[-1] in PEOPLE for entity, _ in target.entities)
    if own and reading.suffix == "of":
        return NameEvidence(PART_OF, f"{column.column} tells of which other row of {target.table} a row is one")
    if own and (last in HIERARCHY or (last in RANKS and of_people)):
        return NameEvidence(HIERARCHICAL, f"{column.column} is a role towards another row of {target.table}")
    first = reading.words[0] if reading.words[-1] not in GENERIC else ""
    groups = ROLES.get(last) or ROLES.get(reading.words[-1]) or ROLES.get(first, ())
    if not groups and reading.suffix == "to" and "by" in split(column.column)[-2:]:
        groups = BY
    best = 0.0
    for entity, worth in target.entities:
        for group in groups:
            if entity and entity[-1] in group:
                best = max(best, (ROLE - 0.005 * group.index(entity[-1])) * worth)
    if not best:
        return NONE
    return NameEvidence(best, f"{column.column} is a role of the rows of {target.table}")


def is_measure(column: ColumnName) -> bool:
    """Whether the name is that of a quantity, a count or a part of a date, which refers to nothing."""
    return any(_measures(reading) for reading in column.readings)


def is_count(column: ColumnName) -> bool:
    """Whether the name is a plural, which says how many, or lists them: `employees` of a company."""
    last = split(column.column)[-1:]
    return bool(last) and last[0].endswith("s") and last[0] not in SUFFIXES and singular(last[0]) != last[0]


def is_identifying(column: ColumnName) -> bool:
    """Whether the name says that the column identifies something, and what."""
    return any(reading.words and reading.suffix in {"id", "number", "ref"} for reading in column.readings)


def is_prose(column: ColumnName) -> bool:
    """Whether the name is that of a text for people, an address or the like."""
    return any(reading.words and reading.words[-1] in PROSE for reading in column.readings)


def _measures(reading: Reading) -> bool:
    if not reading.words:
        return False
    counted = reading.words[0] in COUNTING and len(reading.words) > 1
    if reading.suffix in {"id", "code", "ref"}:
        return False
    last = reading.words[-1]
    return counted or last in MEASURES or (len(last) > 3 and f"{last}s" in MEASURES)  # noqa: PLR2004 - `po` is not `pos`
