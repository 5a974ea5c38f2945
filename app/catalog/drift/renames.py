"""Which removed column an added one may be under another name: inferred from values, nulls, place and name. Pure.

Only a pair that is the best of both its columns, and clearly, is a rename; any other is a hint. A rename is never
applied without a person's consent, and where a relation's column numbers decide, nothing is inferred at all.

How often the verdict is right on real renames is measured by `benchmarks/renames.py`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.catalog.drift.names import similarity
from app.catalog.drift.policy import RuleId
from app.catalog.drift.schema import SchemaField, ValueProfile
from app.catalog.drift.type_changes import type_rule
from app.catalog.drift.types import Family, parse

PRIOR: Final = -3.0
"""Before anything is compared: of twenty pairs of a column that went and one that came, about one is a rename (e^-3).

This and all weights below are log-odds: 1 makes a rename 2.7 times as likely, 3 twenty times.
"""

THRESHOLD: Final = 1.5
"""Least log-odds of a rename where values were compared: 82 in 100."""

THRESHOLD_OF_NAMES: Final = 2.2
"""Least log-odds where name and place alone decide, 90 in 100: one word more in the same place passes, generic words
or a slip of the pen elsewhere do not."""

MARGIN: Final = 1.0
"""By how much a rename exceeds every other pair with one of its columns; what is nearer is about as likely."""

HINT: Final = -1.5
"""Least log-odds of a pair that is worth a hint: 18 in 100."""

SAME_NAME: Final = 5.5
"""Of the same words; a name that is half alike adds half of it."""

SAME_PLACE: Final = 1.5
"""Of standing between the same columns, as one column that replaces another often does, too."""

SAME_NULLS: Final = 0.7
"""Of the same share of nulls, where there are some."""

OTHER_NULLS: Final = -10.0
"""For each whole by which the shares of nulls differ: 0.05 between two batches is common, 0.3 is not."""

SIMILAR_NULLS: Final = 0.05
"""Largest difference of the shares of nulls that are the same."""

SAME_VALUES: Final = 5.0
"""Of values that are shared and that unrelated columns hardly share: texts, moments, identifiers."""

UNIQUE_VALUES: Final = 6.0
"""The same where nearly every row has a value of its own: only columns of one domain share such values at all."""

COMMON_VALUES: Final = 2.5
"""Of values that unrelated columns share by chance: numbers, days, booleans. Alone they never decide."""

RARE_VALUES: Final = 4.0
"""Of such values, where the two share many more of them than either shares with any other column of the tables."""

OF_ONE_DOMAIN: Final = 0.6
"""What is left of `SAME_VALUES` and `UNIQUE_VALUES` where another column shares as much: then it is a domain's values."""

CONTRAST: Final = 0.3
"""By how much a shared part exceeds that of every other column for `RARE_VALUES` to count in full."""

NO_VALUES: Final = -4.0
"""Of two columns of few values that share none."""

OTHER_DISTINCT: Final = -1.0
"""For each factor of e by which the numbers of distinct values differ."""

ENOUGH_SHARED: Final = 6
ENOUGH_OVERLAP: Final = 0.1
"""Shared values, and their share of the smaller set, from which `SAME_VALUES` counts in full: of unique values,
two samples share no larger part than of rows."""

ENOUGH_COMMON: Final = 40
"""Shared values from which `COMMON_VALUES` counts in full: a boolean column has two of them."""

FEW_VALUES: Final = 40
"""Up to so many distinct values both columns were seen whole, so that nothing shared speaks against the pair."""

UNIQUE: Final = 0.7
"""Least share of distinct values among rows where nearly every row has its own."""

_HASHES: Final = 1 << 64
_COMMON: Final = {Family.INTEGER, Family.NUMERIC, Family.FLOAT, Family.BOOLEAN, Family.DATE, Family.TIME}
_MOMENTS: Final = {Family.TIMESTAMP, Family.TIMESTAMPTZ}
"""They are common values where they repeat, as days do, and otherwise not."""

_NEVER: Final = {RuleId.OTHER_FAMILY, RuleId.RECORD_CHANGED, RuleId.ZONE_CHANGED}
"""Changes of type that do not come with a rename: then one column went, and another one came."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A column that is the same under another name."""

    old: str
    new: str
    confidence: float | None
    """Between 0 and 1; None where nothing was guessed."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values: `value_overlap`, `shared_values`, `null_ratio`, `same_place`, `name_similarity`, or `attnum`."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was inferred of removed and added columns; no column is in two renames."""

    renames: tuple[Rename, ...]
    hints: tuple[Rename, ...]
    """For each other removed column the nearest added one, where there is one that is near."""


Places = Mapping[str, tuple[str | None, str | None]]
"""By column, the kept columns right before and right after it, by their new names; None at either end."""


def pair(
    removed: Sequence[SchemaField],
    added: Sequence[SchemaField],
    places: Places | None = None,
    kept: Sequence[SchemaField] = (),
) -> Pairing:
    """The renames among the columns, and hints for those that are not sure.

    Args:
        removed: columns that only the old schema has.
        added: columns that only the new schema has.
        places: where each stands, of both, from `places`; without, the order says nothing.
        kept: columns that both schemas have, as either shows them: what numbers share by chance is seen on them.
    """
    scored = {}
    for gone in removed:
        for come in added:
            others = [each for each in (*removed, *added, *kept) if each is not gone and each is not come]
            found = _scored(gone, come, places, others)
            if found is not None:
                scored[gone.name, come.name] = found
    sure = {}
    for (old, new), (score, threshold, evidence) in scored.items():
        rivals = [other[0] for key, other in scored.items() if (key[0] == old) != (key[1] == new)]
        if score >= threshold and all(score - rival >= MARGIN for rival in rivals):
            sure[old] = Rename(old, new, _probability(score), evidence)
    taken = {rename.new for rename in sure.values()}
    hints = []
    for column in removed:
        near = [
            (score, new, evidence)
            for (old, new), (score, _, evidence) in scored.items()
            if old == column.name and score >= HINT and new not in taken
        ]
        if near and column.name not in sure:
            score, new, evidence = max(near, key=lambda each: (each[0], each[1]))
            hints.append(Rename(column.name, new, _probability(score), evidence))
    return Pairing(tuple(sure[column.name] for column in removed if column.name in sure), tuple(hints))


def _probability(log_odds: float) -> float:
    return round(1 / (1 + math.exp(-log_odds)), 3)


def infer(old: Sequence[SchemaField], new: Sequence[SchemaField]) -> Pairing:
    """The renames between two schemas that are compared by name, each with all of its columns in their order."""
    before, after = {each.name for each in old}, {each.name for each in new}
    return pair(
        [each for each in old if each.name not in after],
        [each for each in new if each.name not in before],
        {**places(old, before & after), **places(new, before & after)},
        [each for each in (*old, *new) if each.name in before & after],
    )


def places(columns: Sequence[SchemaField], kept: set[str]) -> Places:
    """The place of every column that is not kept: the kept columns on either side."""
    found = {}
    names = [column.name for column in columns]
    for position, name in enumerate(names):
        if name not in kept:
            before = next((each for each in reversed(names[:position]) if each in kept), None)
            found[name] = before, next((each for each in names[position + 1 :] if each in kept), None)
    return found


def compatible(old: SchemaField, new: SchemaField) -> bool:
    """Whether one column may be the other as far as types say."""
    return type_rule(parse(old.type), parse(new.type)) not in _NEVER


def _scored(
    old: SchemaField, new: SchemaField, places: Places | None, others: Sequence[SchemaField]
) -> tuple[float, float, Mapping[str, Any]] | None:
    """The log-odds, the threshold for what was compared, and the evidence; None for columns that cannot be one."""
    if not compatible(old, new):
        return None
    name = similarity(old.name, new.name)
    together = places is not None and places.get(old.name) == places.get(new.name)
    evidence: dict[str, Any] = {"name_similarity": round(name, 3), "same_place": together}
    score = PRIOR + SAME_NAME * name + SAME_PLACE * together
    first, second = old.values, new.values
    if first is None or second is None or not first.sketch or not second.sketch:
        return score, THRESHOLD_OF_NAMES, evidence
    overlap, shared = _overlap(first, second)
    gap = abs(_null_ratio(first) - _null_ratio(second))
    evidence |= {"value_overlap": round(overlap, 3), "shared_values": shared, "null_ratio_difference": round(gap, 3)}
    family = parse(old.type).family
    score += OTHER_NULLS * gap + _of_distinct(first, second)
    contrast = _contrast(overlap, old, new, others)
    evidence["value_contrast"] = round(contrast, 3)
    if _is_common(family, first, second):
        common = COMMON_VALUES * overlap * min(1.0, shared / ENOUGH_COMMON)
        rare = RARE_VALUES * min(1.0, contrast / CONTRAST) if shared >= ENOUGH_COMMON else 0.0
        score += max(common, rare)
    else:
        score += _of_values(first, second, overlap, shared) * (1.0 if contrast > 0 or not shared else OF_ONE_DOMAIN)
    if min(first.nulls, second.nulls) > 0 and gap <= SIMILAR_NULLS:
        score += SAME_NULLS
    return score, THRESHOLD, evidence


def _of_distinct(first: ValueProfile, second: ValueProfile) -> float:
    return OTHER_DISTINCT * abs(math.log(_distinct(first) / _distinct(second)))


def _of_values(first: ValueProfile, second: ValueProfile, overlap: float, shared: int) -> float:
    """What values say that unrelated columns hardly share, as log-odds."""
    if not shared:
        return NO_VALUES if max(len(first.sketch), len(second.sketch)) <= FEW_VALUES else 0.0
    most = UNIQUE_VALUES if _is_unique(first, second) else SAME_VALUES
    return most * min(1.0, shared / ENOUGH_SHARED) * min(1.0, overlap / ENOUGH_OVERLAP)


def _is_common(family: Family, first: ValueProfile, second: ValueProfile) -> bool:
    return family in _COMMON or (family in _MOMENTS and not _is_unique(first, second))


def _is_unique(*profiles: ValueProfile) -> bool:
    return all(_distinct(each) >= UNIQUE * max(1, each.rows - each.nulls) for each in profiles)


def _contrast(overlap: float, old: SchemaField, new: SchemaField, others: Sequence[SchemaField]) -> float:
    """By how much the overlap exceeds that of either column with any other one; below 0 where another one has more."""
    family = parse(old.type).family
    found = [0.0]
    for other in others:
        values = other.values
        if values is not None and values.sketch and parse(other.type).family is family:
            found += [_overlap(each.values, values)[0] for each in (old, new) if each.values is not None]
    return overlap - max(found)


def _overlap(first: ValueProfile, second: ValueProfile) -> tuple[float, int]:
    """The share of the smaller set of values that is in the other one, and how many sketched hashes are in both.

    Both sketches are complete up to the smaller of their largest hashes, and are compared up to there (bottom-k
    sketches: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007).
    """
    few = max(len(first.sketch), len(second.sketch)) <= FEW_VALUES
    limit = _HASHES if few else min(max(first.sketch), max(second.sketch))
    ours, others = ({each for each in profile.sketch if each <= limit} for profile in (first, second))
    shared = len(ours & others)
    return shared / max(1, min(len(ours), len(others))), shared


def _distinct(profile: ValueProfile) -> float:
    """The number of distinct values, by how densely the smallest hashes stand (the same paper); at least 1."""
    highest = max(profile.sketch)
    count = len(profile.sketch)
    return float(count) if count <= FEW_VALUES or highest <= 0 else max(1.0, (count - 1) * _HASHES / highest)


def _null_ratio(profile: ValueProfile) -> float:
    return profile.nulls / profile.rows if profile.rows else 0.0
