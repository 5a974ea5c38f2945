"""How one schema differs from another, change by change, each graded by its rule in `policy.py`. Pure.

One rule for all: versions of contracts, promotions, live relations, batches and imports are compared here. Columns are
paired in `matching.py`; which rule a change of type falls under stands in `type_changes.py`, and in `facts.py` for what
else is said of a column.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.catalog.drift.change import Change, Severity
from app.catalog.drift.facts import CHECK_FACTS, fact_rules
from app.catalog.drift.matching import Matching, Pair, match, match_batch
from app.catalog.drift.policy import RuleId, graded
from app.catalog.drift.renames import Rename
from app.catalog.drift.schema import SchemaField, TableSchema
from app.catalog.drift.type_changes import fits, type_rule
from app.catalog.drift.types import Family, parse

_FIELDS: Final = (("mode", RuleId.MODE_CHANGED), ("conflict_resolution", RuleId.CONFLICT_RESOLUTION_CHANGED))
_TIMES: Final = (
    ("event_time_column", RuleId.EVENT_TIME_CHANGED),
    ("processing_time_column", RuleId.PROCESSING_TIME_CHANGED),
)
_ADDED_AGAIN: Final = "A column of this name was dropped and made anew: its old values are gone."


def classify(
    old: TableSchema,
    new: TableSchema,
    *,
    renames: Sequence[Rename] = (),
    hints: Sequence[Rename] = (),
    as_batch: bool = False,
) -> tuple[Change, ...]:
    """The changes that lead from the old schema to the new one, in the order of the old columns, then of the new ones.

    Args:
        old: what is relied on: the declared schema, or the baseline of a relation.
        new: what is there, was sent or is proposed.
        renames: columns that are the same under another name; passed over where column numbers decide.
        hints: renames that are not sure; they are named in the evidence of what went and what came.
        as_batch: `new` was inferred from rows: order, nullability and the width of its types mean nothing, and an
            inferred type that fits into the declared one is no change.
    """
    if as_batch:
        return _of_batch(old, new, renames, hints)
    found = match(old, new, renames)
    names = {pair.old.name: pair.new.name for pair in found.pairs}
    changes = [change for pair in found.pairs for change in _of_pair(pair)]
    nearest = _Nearest(hints, found)
    changes += [_removed(field, nearest) for field in found.removed]
    changes += [_added(field, nearest) for field in found.added]
    changes += _reordered(found, new)
    changes += _key(old, new, names)
    changes += _semantics(old, new, names)
    return tuple(changes)


def breaking(changes: Iterable[Change]) -> bool:
    """Whether a query on the old schema may fail or mean something else on the new one."""
    return any(change.readers is Severity.BREAKING for change in changes)


def of_columns(
    documents: Sequence[Mapping[str, Any]],
    semantics: Mapping[str, Any] | None = None,
    words: Mapping[str, Mapping[str, Any]] | None = None,
) -> TableSchema:
    """The schema of a contract.

    Args:
        documents: the columns as `contract_schemas` keeps them: name, type, nullable, checks, source.
        semantics: the six ingestion semantics, with `dedupe_window_seconds`; their key is the key of the schema.
        words: by column, what else is said of it: description, labels, sensitivity.
    """
    key = None if semantics is None or "idempotency_key" not in semantics else tuple(semantics["idempotency_key"])
    fields = tuple(_field(document, (words or {}).get(document["name"], {})) for document in documents)
    return TableSchema(fields=fields, key=key, semantics=semantics)


def _field(document: Mapping[str, Any], words: Mapping[str, Any]) -> SchemaField:
    facts = dict(words)
    for check in document.get("checks") or ():
        name = CHECK_FACTS.get(check["type"])
        if name is not None:  # `not_null` stands in the column's `nullable`
            facts[name] = check.get("value", check.get("values", True))
    if document.get("source") is not None:
        facts["source"] = document["source"]
    return SchemaField(document["name"], document["type"], document.get("nullable", True), facts=facts)


def _of_batch(
    declared: TableSchema, batch: TableSchema, renames: Sequence[Rename], hints: Sequence[Rename]
) -> tuple[Change, ...]:
    if not batch.fields:
        return ()
    found = match_batch(declared, batch, renames)
    nearest = _Nearest(hints, found)
    changes = []
    for pair in found.pairs:
        changes += [*_renamed(pair), *_misfit(pair)]
    set_by_spyne = (declared.semantics or {}).get("processing_time_column")
    for field in found.removed:
        if field.name != set_by_spyne:
            evidence, hint = nearest.of(field.name)
            path = pointer("columns", field.name)
            changes.append(
                graded(
                    RuleId.COLUMN_ABSENT, path, document(field), None, column=field.name, evidence=evidence, hint=hint
                )
            )
    for field in found.added:
        added = _added(replace(field, nullable=True, default=None), nearest)
        changes.append(replace(added, rows=None if field.values is None else field.values.rows - field.values.nulls))
    return tuple(changes)


def _misfit(pair: Pair) -> Iterator[Change]:
    """The change of type that the batch's values ask for, when they do not fit."""
    values = pair.new.values
    if pair.nested or (values is not None and values.nulls >= values.rows):  # without any value, no type was seen
        return
    inferred, declared = parse(pair.new.type), parse(pair.old.type)
    if not fits(inferred, declared):
        yield from _of_types(pair)


def _of_pair(pair: Pair) -> Iterator[Change]:
    old, new = pair.old, pair.new
    path = pointer("columns", old.name)
    yield from _renamed(pair)
    yield from _of_types(pair)
    if old.nullable != new.nullable:
        rule = RuleId.MADE_NULLABLE if new.nullable else RuleId.MADE_REQUIRED
        yield graded(rule, f"{path}/nullable", old.nullable, new.nullable, column=old.name)
    yield from _default(old, new, path)
    for name, rule in fact_rules(old.facts, new.facts):
        facts = old.facts.get(name), new.facts.get(name)
        yield graded(rule, path + pointer(name), *facts, column=old.name)


def _renamed(pair: Pair) -> Iterator[Change]:
    rename = pair.rename
    if rename is not None:
        yield graded(
            RuleId.COLUMN_RENAMED,
            pointer("columns", pair.old.name),
            pair.old.name,
            pair.new.name,
            column=pair.old.name,
            confidence=rename.confidence,
            evidence=rename.evidence,
        )


def _of_types(pair: Pair) -> Iterator[Change]:
    """The change of type, at the type or at the element of an array, whichever differs."""
    old, new = parse(pair.old.type), parse(pair.new.type)
    rule = type_rule(old, new)
    path = pointer("columns", pair.old.name, "type")
    while old.family is new.family is Family.ARRAY and old.element and new.element:
        old, new, path = old.element, new.element, f"{path}/element"
    if rule is not None:
        yield graded(rule, path, pair.old.type, pair.new.type, column=pair.old.name)


def _default(old: SchemaField, new: SchemaField, path: str) -> Iterator[Change]:
    before, after = (None if each.default is None else str(each.default) for each in (old, new))
    if before == after:
        return
    if before is None:
        rule = RuleId.DEFAULT_ADDED
    elif after is not None:
        rule = RuleId.DEFAULT_CHANGED
    else:
        rule = RuleId.DEFAULT_REMOVED if new.nullable else RuleId.DEFAULT_REMOVED_REQUIRED
    yield graded(rule, f"{path}/default", old.default, new.default, column=old.name)


class _Nearest:
    """What may be the same column on the other side, for each that went or came. There may be 1,000 of them."""

    def __init__(self, hints: Sequence[Rename], found: Matching) -> None:
        self._removed = {field.name: field.number for field in found.removed}
        self._added = {field.name: field.number for field in found.added}
        self._hints: dict[str, Rename] = {}
        for hint in hints:
            if hint.old in self._removed and hint.new in self._added:
                self._hints.setdefault(hint.old, hint)
                self._hints.setdefault(hint.new, hint)

    def of(self, name: str) -> tuple[dict[str, Any], str]:
        """Evidence, and the same in words; both are empty where nothing is near."""
        if name in self._removed and name in self._added:
            return {"added_again": True, "attnum": [self._removed[name], self._added[name]]}, _ADDED_AGAIN
        hint = self._hints.get(name)
        if hint is None:
            return {}, ""
        evidence = {"nearest": hint.new if name == hint.old else hint.old, "confidence": hint.confidence}
        return {**evidence, **hint.evidence}, f"{hint.old} may be called {hint.new} now: confirm the rename if so."


def _removed(field: SchemaField, nearest: _Nearest) -> Change:
    evidence, hint = nearest.of(field.name)
    path = pointer("columns", field.name)
    return graded(RuleId.COLUMN_REMOVED, path, document(field), None, column=field.name, evidence=evidence, hint=hint)


def _added(field: SchemaField, nearest: _Nearest) -> Change:
    if field.default is not None:
        rule = RuleId.COLUMN_ADDED_WITH_DEFAULT
    else:
        rule = RuleId.COLUMN_ADDED if field.nullable else RuleId.COLUMN_ADDED_REQUIRED
    evidence, hint = nearest.of(field.name)
    path = pointer("columns", field.name)
    return graded(rule, path, None, document(field), column=field.name, evidence=evidence, hint=hint)


def _reordered(found: Matching, new: TableSchema) -> Iterator[Change]:
    before = [pair.new.name for pair in found.pairs]
    kept = set(before)
    after = [field.name for field in new.fields if field.name in kept]
    if before != after:
        yield graded(RuleId.REORDERED, pointer("columns"), before, after)


def _key(old: TableSchema, new: TableSchema, names: Mapping[str, str]) -> Iterator[Change]:
    """The change of the key; its columns have no order, and a renamed column stays in it."""
    before, after = _key_of(old), _key_of(new)
    if before is None or after is None or {names.get(name, name) for name in before} == set(after):
        return
    lost = RuleId.KEY_CHANGED if after else RuleId.KEY_REMOVED
    in_semantics = old.semantics is not None and new.semantics is not None
    path = pointer("ingestion_semantics", "idempotency_key") if in_semantics else pointer("key")
    yield graded(lost if before else RuleId.KEY_ADDED, path, list(before), list(after))


def _key_of(schema: TableSchema) -> tuple[str, ...] | None:
    """The key as it is declared, else the columns that say that they belong to the primary key; None when none says."""
    if schema.key is not None:
        return schema.key
    if not any("primaryKey" in field.facts for field in schema.fields):
        return None
    return tuple(field.name for field in schema.fields if field.facts.get("primaryKey"))


def _semantics(old: TableSchema, new: TableSchema, names: Mapping[str, str]) -> Iterator[Change]:
    if old.semantics is None or new.semantics is None:
        return
    before, after = old.semantics, new.semantics
    for field, rule in _FIELDS:
        if before.get(field) != after.get(field):
            yield graded(rule, pointer("ingestion_semantics", field), before.get(field), after.get(field))
    for field, rule in _TIMES:
        column = before.get(field)
        if (column if column is None else names.get(column, column)) != after.get(field):
            yield graded(rule, pointer("ingestion_semantics", field), column, after.get(field))
    yield from _dedupe_window(before, after)


def _dedupe_window(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    first, second = before.get("dedupe_window_seconds"), after.get("dedupe_window_seconds")
    old, new = before.get("dedupe_window", first), after.get("dedupe_window", second)
    if first is None or second is None:
        rule = None if old == new else RuleId.DEDUPE_WINDOW_CHANGED
    elif first == second:
        rule = None
    else:
        rule = RuleId.DEDUPE_WINDOW_LONGER if second > first else RuleId.DEDUPE_WINDOW_SHORTER
    if rule is not None:
        yield graded(rule, pointer("ingestion_semantics", "dedupe_window"), old, new)


def document(field: SchemaField) -> dict[str, Any]:
    """The column as changes show what was added or removed: type, nullable, and the default where there is one."""
    shown = {"type": field.type, "nullable": field.nullable}
    return shown if field.default is None else shown | {"default": field.default}


def pointer(*parts: str) -> str:
    """The JSON pointer of these names, outermost first (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
