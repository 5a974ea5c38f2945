"""The policy of drift, one row for each rule: what a change is, what it means for readers and writers, what to do.

Every verdict comes from a row of this table. Readers query by SQL; writers send rows under a contract. Which rule a
change falls under: `type_changes.py` for types, `facts.py` for checks and words, `classify.py` for the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.catalog.drift.change import Change, ChangeKind, Severity


class RuleId(StrEnum):
    """The rules, by the ids that changes name."""

    COLUMN_ADDED = "column-added"
    COLUMN_ADDED_WITH_DEFAULT = "column-added-with-default"
    COLUMN_ADDED_REQUIRED = "column-added-required"
    COLUMN_REMOVED = "column-removed"
    COLUMN_ABSENT = "column-absent"
    COLUMN_RENAMED = "column-renamed"
    RELATION_GONE = "relation-gone"
    RELATION_RENAMED = "relation-renamed"
    REORDERED = "reordered"
    WIDENED = "widened"
    WIDENED_INEXACTLY = "widened-inexactly"
    NARROWED = "narrowed"
    OTHER_FAMILY = "other-family"
    ZONE_CHANGED = "zone-changed"
    NUMERIC_PRECISION_UP = "numeric-precision-up"
    NUMERIC_PRECISION_DOWN = "numeric-precision-down"
    NUMERIC_SCALE_CHANGED = "numeric-scale-changed"
    LENGTH_SHRUNK = "length-shrunk"
    PADDING_CHANGED = "padding-changed"
    TEXT_COMPARISON_CHANGED = "text-comparison-changed"
    TIME_PRECISION_UP = "time-precision-up"
    TIME_PRECISION_DOWN = "time-precision-down"
    ENUM_LABELS_ADDED = "enum-labels-added"
    ENUM_LABELS_REMOVED = "enum-labels-removed"
    ENUM_LABELS_REORDERED = "enum-labels-reordered"
    JSON_FORM_CHANGED = "json-form-changed"
    RECORD_CHANGED = "record-changed"
    TYPE_STATED = "type-stated"
    TYPE_UNSTATED = "type-unstated"
    MADE_NULLABLE = "made-nullable"
    MADE_REQUIRED = "made-required"
    DEFAULT_ADDED = "default-added"
    DEFAULT_CHANGED = "default-changed"
    DEFAULT_REMOVED = "default-removed"
    DEFAULT_REMOVED_REQUIRED = "default-removed-required"
    CHECK_TIGHTENED = "check-tightened"
    CHECK_LOOSENED = "check-loosened"
    CHECK_CHANGED = "check-changed"
    REFERENCE_CHANGED = "reference-changed"
    SOURCE_CHANGED = "source-changed"
    SENSITIVITY_RAISED = "sensitivity-raised"
    SENSITIVITY_LOWERED = "sensitivity-lowered"
    SENSITIVITY_CHANGED = "sensitivity-changed"
    WORDS_CHANGED = "words-changed"
    KEY_ADDED = "key-added"
    KEY_CHANGED = "key-changed"
    KEY_REMOVED = "key-removed"
    MODE_CHANGED = "mode-changed"
    CONFLICT_RESOLUTION_CHANGED = "conflict-resolution-changed"
    EVENT_TIME_CHANGED = "event-time-changed"
    PROCESSING_TIME_CHANGED = "processing-time-changed"
    DEDUPE_WINDOW_LONGER = "dedupe-window-longer"
    DEDUPE_WINDOW_SHORTER = "dedupe-window-shorter"
    DEDUPE_WINDOW_CHANGED = "dedupe-window-changed"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the policy."""

    id: RuleId
    kind: ChangeKind
    readers: Severity
    writers: Severity
    suggestion: str
    """The cheapest safe thing to do, in a sentence."""


_C, _W, _B = Severity.COMPATIBLE, Severity.WARNING, Severity.BREAKING
_TYPE, _CHECK, _MEANING = ChangeKind.TYPE_CHANGE, ChangeKind.CONSTRAINT, ChangeKind.SEMANTICS
_WORDS, _NULLS, _DEFAULT = ChangeKind.DESCRIPTION, ChangeKind.NULLABILITY, ChangeKind.DEFAULT

_NOTHING_TO_DO: Final = "Nothing needs to be done."
_NEXT_VERSION: Final = "Register a next version of the contract and fill its table by replay beside this one."

_ROWS: Final = (
    Rule(RuleId.COLUMN_ADDED, ChangeKind.ADD, _C, _C, "Accept the column, or leave it out by policy."),
    Rule(RuleId.COLUMN_ADDED_WITH_DEFAULT, ChangeKind.ADD, _C, _C, _NOTHING_TO_DO),
    Rule(RuleId.COLUMN_ADDED_REQUIRED, ChangeKind.ADD, _W, _B, "Make the column nullable, or give it a default."),
    Rule(RuleId.COLUMN_REMOVED, ChangeKind.REMOVE, _B, _W, "Keep the column, nullable, until no query names it."),
    Rule(
        RuleId.COLUMN_ABSENT,
        ChangeKind.REMOVE,
        _W,
        _W,
        "Ask the sender whether the column is gone for good; stored values stay until then.",
    ),
    Rule(
        RuleId.COLUMN_RENAMED,
        ChangeKind.RENAME,
        _B,
        _B,
        "Keep the old name and read it from the new one by the column's source.",
    ),
    Rule(
        RuleId.RELATION_GONE,
        ChangeKind.REMOVE,
        _B,
        _B,
        "Restore the relation, or deprecate the table that stands for it.",
    ),
    Rule(
        RuleId.RELATION_RENAMED,
        ChangeKind.RENAME,
        _B,
        _B,
        "Make a view of the old name over the relation, or give the relation its old name again.",
    ),
    Rule(RuleId.REORDERED, ChangeKind.REORDER, _C, _C, "Name the columns where `select *` is read by position."),
    Rule(RuleId.WIDENED, _TYPE, _C, _C, "Accept the wider type."),
    Rule(RuleId.WIDENED_INEXACTLY, _TYPE, _W, _C, "Use numeric instead, which keeps every integer exact."),
    Rule(RuleId.NARROWED, _TYPE, _B, _B, f"Keep the wider type. {_NEXT_VERSION}"),
    Rule(RuleId.OTHER_FAMILY, _TYPE, _B, _B, f"Add a column of the new type beside the old one. {_NEXT_VERSION}"),
    Rule(RuleId.ZONE_CHANGED, _TYPE, _B, _B, "Keep the type and convert with the zone that the values were meant in."),
    Rule(RuleId.NUMERIC_PRECISION_UP, _TYPE, _C, _C, "Accept the wider type."),
    Rule(RuleId.NUMERIC_PRECISION_DOWN, _TYPE, _B, _B, "Keep the precision: larger values are stored or may come."),
    Rule(RuleId.NUMERIC_SCALE_CHANGED, _TYPE, _B, _B, f"Keep the scale, or round in queries. {_NEXT_VERSION}"),
    Rule(RuleId.LENGTH_SHRUNK, _TYPE, _B, _B, "Keep the length, and bound new values by a check of their pattern."),
    Rule(RuleId.PADDING_CHANGED, _TYPE, _W, _W, "Compare such values with rtrim() on both sides."),
    Rule(RuleId.TEXT_COMPARISON_CHANGED, _TYPE, _B, _W, "Keep the type, or compare with lower() on both sides."),
    Rule(RuleId.TIME_PRECISION_UP, _TYPE, _C, _C, "Accept the finer type."),
    Rule(RuleId.TIME_PRECISION_DOWN, _TYPE, _B, _B, "Keep the precision, and round in queries with date_trunc()."),
    Rule(RuleId.ENUM_LABELS_ADDED, _TYPE, _W, _C, "Look at queries that list every label."),
    Rule(RuleId.ENUM_LABELS_REMOVED, _TYPE, _B, _B, "Keep the label and stop sending it."),
    Rule(
        RuleId.ENUM_LABELS_REORDERED, _TYPE, _W, _C, "Look at queries that sort by the column or compare with < or >."
    ),
    Rule(RuleId.JSON_FORM_CHANGED, _TYPE, _B, _C, "Use the functions of the new form: json_* and jsonb_* differ."),
    Rule(RuleId.RECORD_CHANGED, _TYPE, _B, _B, f"Compare the fields within. {_NEXT_VERSION}"),
    Rule(RuleId.TYPE_STATED, _TYPE, _W, _W, "Compare the type with the values that are stored."),
    Rule(RuleId.TYPE_UNSTATED, _TYPE, _W, _W, "State the type again."),
    Rule(RuleId.MADE_NULLABLE, _NULLS, _W, _C, "Look at queries that count, join or filter with NOT IN by the column."),
    Rule(RuleId.MADE_REQUIRED, _NULLS, _W, _B, "Give a default first, and fill the stored nulls."),
    Rule(RuleId.DEFAULT_ADDED, _DEFAULT, _C, _C, _NOTHING_TO_DO),
    Rule(RuleId.DEFAULT_CHANGED, _DEFAULT, _W, _W, "Send the value explicitly where the old default was meant."),
    Rule(RuleId.DEFAULT_REMOVED, _DEFAULT, _W, _W, "Send the value explicitly: left out, it is null from now on."),
    Rule(RuleId.DEFAULT_REMOVED_REQUIRED, _DEFAULT, _C, _B, "Send the value explicitly: left out, the row is refused."),
    Rule(RuleId.CHECK_TIGHTENED, _CHECK, _W, _B, "Measure how many stored values the check would refuse."),
    Rule(RuleId.CHECK_LOOSENED, _CHECK, _W, _C, "Look at queries that rely on the values that were allowed."),
    Rule(RuleId.CHECK_CHANGED, _CHECK, _W, _B, "Measure how many stored values the new check would refuse."),
    Rule(RuleId.REFERENCE_CHANGED, _CHECK, _W, _W, "Measure the joins over the column again."),
    Rule(RuleId.SOURCE_CHANGED, _MEANING, _C, _B, "Let senders write both fields until nobody reads the old one."),
    Rule(RuleId.SENSITIVITY_RAISED, _WORDS, _W, _C, "Review who may read the column, and what is kept of its values."),
    Rule(RuleId.SENSITIVITY_LOWERED, _WORDS, _W, _W, "Ask the owner of the data before anybody else sees the values."),
    Rule(RuleId.SENSITIVITY_CHANGED, _WORDS, _W, _W, "Review who may read the column under its new classification."),
    Rule(RuleId.WORDS_CHANGED, _WORDS, _C, _C, _NOTHING_TO_DO),
    Rule(RuleId.KEY_ADDED, ChangeKind.KEY, _W, _B, "Count the stored rows that share a key first."),
    Rule(RuleId.KEY_CHANGED, ChangeKind.KEY, _B, _B, _NEXT_VERSION),
    Rule(RuleId.KEY_REMOVED, ChangeKind.KEY, _B, _B, f"Keep the key. {_NEXT_VERSION}"),
    Rule(RuleId.MODE_CHANGED, _MEANING, _B, _B, _NEXT_VERSION),
    Rule(RuleId.CONFLICT_RESOLUTION_CHANGED, _MEANING, _B, _B, _NEXT_VERSION),
    Rule(RuleId.EVENT_TIME_CHANGED, _MEANING, _B, _B, _NEXT_VERSION),
    Rule(RuleId.PROCESSING_TIME_CHANGED, _MEANING, _B, _B, _NEXT_VERSION),
    Rule(RuleId.DEDUPE_WINDOW_LONGER, _MEANING, _C, _C, _NOTHING_TO_DO),
    Rule(RuleId.DEDUPE_WINDOW_SHORTER, _MEANING, _W, _W, "Check how late rows are sent again before it is shortened."),
    Rule(RuleId.DEDUPE_WINDOW_CHANGED, _MEANING, _W, _W, "Write both windows as durations, to say which is longer."),
)

POLICY: Final[Mapping[RuleId, Rule]] = {rule.id: rule for rule in _ROWS}
"""The policy, by rule."""


def graded(
    rule_id: RuleId,
    path: str,
    old: Any,
    new: Any,
    *,
    column: str | None = None,
    confidence: float | None = None,
    evidence: Mapping[str, Any] | None = None,
    hint: str = "",
) -> Change:
    """The change, with the verdict of its rule; a hint is put behind the rule's suggestion."""
    rule = POLICY[rule_id]
    return Change(
        kind=rule.kind,
        rule=rule.id.value,
        path=path,
        old=old,
        new=new,
        readers=rule.readers,
        writers=rule.writers,
        suggestion=f"{rule.suggestion} {hint}".strip(),
        column=column,
        confidence=confidence,
        evidence=evidence or {},
    )
