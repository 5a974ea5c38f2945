"""Which removed column an added one may be under another name: inferred from values, nulls, place and name. Pure.

Only a pair that is the best of both its columns, and clearly, is a rename; any other is a hint. A rename is never
applied without a person's consent, and where a relation's column numbers decide, nothing is inferred at all.

How often the verdict is right on real renames is measured by `benchmarks/renames.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.catalog.drift.names import similarity
from app.catalog.drift.policy import RuleId
from app.catalog.drift.schema import SchemaField, ValueProfile
from app.catalog.drift.type_changes import type_rule
from app.catalog.drift.types import Family, parse

THRESHOLD: Final = 0.7
"""Least score of a rename where values were compared."""

THRESHOLD_OF_NAMES: Final = 0.78
"""Least score of a rename that name and place alone decide: the same words, one word more in the same place, a slip."""

MARGIN: Final = 0.12
"""By how much a rename's score exceeds that of every other pair with one of its columns; nearer ones are as likely."""

HINT: Final = 0.35
"""Least score of a pair that is worth a hint."""

VALUE_WEIGHT: Final = 0.95
"""What values count that are all shared, and many; columns of one domain (`city`, `birthplace`) may share all, too."""

NAME_WEIGHT: Final = 0.75
"""What the same words count beside values."""

PLACE_WEIGHT: Final = 0.3
"""What it counts that both columns stand between the same columns: so does any column that replaces another one."""

ENOUGH_SHARED: Final = 12
"""Shared values from which an overlap counts in full; a boolean column has two, and shares them with every other."""

ENOUGH_NUMBERS: Final = 60
"""The same for numbers: small integers are common to all counters and keys."""

FEW_VALUES: Final = 40
"""Up to so many distinct values both columns were seen whole, so that nothing shared speaks against the pair."""

_NUMBERS: Final = {Family.INTEGER, Family.NUMERIC, Family.FLOAT, Family.BOOLEAN}
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


def pair(removed: Sequence[SchemaField], added: Sequence[SchemaField], places: Places | None = None) -> Pairing:
    """The renames among the columns, and hints for those that are not sure.

    Args:
        removed: columns that only the old schema has.
        added: columns that only the new schema has.
        places: where each stands, of both, from `places`; without, the order says nothing.
    """
    scored = {(old.name, new.name): found for old in removed for new in added if (found := _scored(old, new, places))}
    sure = {}
    for (old, new), (score, threshold, evidence) in scored.items():
        rivals = [other[0] for key, other in scored.items() if (key[0] == old) != (key[1] == new)]
        if score >= threshold and score - max(rivals, default=0.0) >= MARGIN:
            sure[old] = Rename(old, new, round(score, 3), evidence)
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
            hints.append(Rename(column.name, new, round(score, 3), evidence))
    return Pairing(tuple(sure[column.name] for column in removed if column.name in sure), tuple(hints))


def infer(old: Sequence[SchemaField], new: Sequence[SchemaField]) -> Pairing:
    """The renames between two schemas that are compared by name, each with all of its columns in their order."""
    before, after = {each.name for each in old}, {each.name for each in new}
    return pair(
        [each for each in old if each.name not in after],
        [each for each in new if each.name not in before],
        {**places(old, before & after), **places(new, before & after)},
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


def _scored(old: SchemaField, new: SchemaField, places: Places | None) -> tuple[float, float, Mapping[str, Any]] | None:
    """The score, the threshold for what was compared, and the evidence; None for columns that cannot be one."""
    if not compatible(old, new):
        return None
    name = similarity(old.name, new.name)
    together = places is not None and places.get(old.name) == places.get(new.name)
    evidence: dict[str, Any] = {"name_similarity": round(name, 3), "same_place": together}
    against = 1.0 - PLACE_WEIGHT * together
    first, second = old.values, new.values
    if first is None or second is None or not first.sketch or not second.sketch:
        return 1 - (1 - name) * against, THRESHOLD_OF_NAMES, evidence
    numbers = parse(old.type).family in _NUMBERS
    overlap, shared, whole = _overlap(first, second)
    nulls = abs(_null_ratio(first) - _null_ratio(second))
    evidence |= {"value_overlap": round(overlap, 3), "shared_values": shared, "null_ratio_difference": round(nulls, 3)}
    sure = min(1.0, shared / (ENOUGH_NUMBERS if numbers else ENOUGH_SHARED))
    score = 1 - (1 - VALUE_WEIGHT * overlap * sure) * (1 - NAME_WEIGHT * name) * against
    return score * (1 - nulls) * (1.0 if shared or not whole else 0.5), THRESHOLD, evidence


def _overlap(first: ValueProfile, second: ValueProfile) -> tuple[float, int, bool]:
    """The share of the smaller set that is in the other one, how many hashes that is, and whether both sets are small.

    Both sketches are complete up to the smaller of their largest hashes, and are compared up to there (bottom-k
    sketches: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007).
    """
    both_whole = max(len(first.sketch), len(second.sketch)) <= FEW_VALUES
    limit = max(*first.sketch, *second.sketch) if both_whole else min(max(first.sketch), max(second.sketch))
    ours, others = ({each for each in profile.sketch if each <= limit} for profile in (first, second))
    shared = len(ours & others)
    return shared / max(1, min(len(ours), len(others))), shared, both_whole


def _null_ratio(profile: ValueProfile) -> float:
    return profile.nulls / profile.rows if profile.rows else 0.0
