# ruff: noqa: S608 - the statements are made of a validated plan; every identifier goes through `quote`
"""The statements that take a batch back by its before-images. Pure: a plan and sequence numbers in, SQL text out.

What a batch wrote is known from three places: rows that bear its number in `_spyne_batch`; its before-images `U` (a row
was overwritten) and `D` (a row went); and, of a batch that is itself a rollback, its images `I` (a row came back that
was not there). A rollback puts rows back as they were, with the number of the batch that had written them: after it
the relation is as if neither had been. It keeps images of what it changes, so it is taken back the same way.

In append mode a batch may move a row to another event time, so an image is no row of the same identity: what the batch
wrote goes, and its images come back. When may a batch be taken back, and what must be taken back with it:
`app/warehouse/reversal/dependents.py`. What must come out stands in plain Python in `tests/reference/reversal.py`.
"""

from dataclasses import dataclass

from app.warehouse.layout import BATCH, FROM, IMAGE_BY, IMAGE_OP, TO, hidden_columns, instant, same_key
from app.warehouse.merge import S, T, with_row_images
from app.warehouse.naming import own, quote, quote_all
from app.warehouse.plan import Mode, RelationPlan

OVERWRITTEN, GONE, BACK = "U", "D", "I"
"""Kinds of before-images: of a row that was overwritten, that went, and that a rollback put in where none was."""

I, J, _TAKEN, _NOW = own("i"), own("j"), own("taken"), own("now")  # noqa: E741 - aliases of images
"""Aliases: an image, another image."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The batch `target` is taken back by the batch `seq`."""

    plan: RelationPlan
    target: int
    seq: int
    target_is_rollback: bool = False


def _columns(plan: RelationPlan) -> tuple[str, ...]:
    return (*(column.name for column in plan.columns), *hidden_columns(plan))


def _same_row(plan: RelationPlan, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in plan.identity)


def _images(undo: Undo, ops: str) -> str:
    """The target's images of these kinds, once: they stand together, and the planner does not know how few they are."""
    listed = ", ".join(f"'{op}'" for op in ops)
    return (
        f"(SELECT * FROM {undo.plan.before.sql} WHERE {IMAGE_BY} = {undo.target} AND {IMAGE_OP} IN ({listed}) OFFSET 0)"
    )


def count_images(plan: RelationPlan, seq: int) -> str:
    """Rows (kind, count) of the images that a batch has left."""
    return f"SELECT {IMAGE_OP}::text, count(*) FROM {plan.before.sql} WHERE {IMAGE_BY} = {seq} GROUP BY 1"


def remove_written(undo: Undo) -> str:
    """Deletes the rows that bear the target's number: in append mode all that it wrote.

    In other modes run after `restore_overwritten`, which has given those rows another number: what is left was written
    where none was. Asking the images instead, key by key, took two minutes for 100,000 rows: the planner does not know
    how many images a batch has, and took a nested loop without an index.
    """
    written = f"{T}.{BATCH} = {undo.target}"
    return with_row_images(undo.plan, undo.seq, f"DELETE FROM {undo.plan.relation.sql} {T} WHERE {written}", GONE)


def remove_put_back(undo: Undo) -> str:
    """Deletes the rows that the target, a rollback, had put in where none was."""
    plan = undo.plan
    put_in = f"{plan.relation.sql} {T} USING {_images(undo, BACK)} {I} WHERE {_same_row(plan, T, I)}"
    return with_row_images(plan, undo.seq, f"DELETE FROM {put_in}", GONE)


def restore_overwritten(undo: Undo) -> str:
    """Overwrites the rows that the target overwrote with what they were (one row per key: not in append mode).

    Only rows that bear its number are as it left them, but for a rollback, whose rows bear the number of their writer.
    """
    plan = undo.plan
    names = [name for name in _columns(plan) if name not in plan.key]
    changes = ", ".join(f"{quote(name)} = {I}.{quote(name)}" for name in names)
    ordered = f"(SELECT * FROM {_images(undo, OVERWRITTEN)} {J} ORDER BY {quote_all(plan.key, f'{J}.')})"
    as_left = same_key(plan, T, I) + ("" if undo.target_is_rollback else f" AND {T}.{BATCH} = {undo.target}")
    update = f"UPDATE {plan.relation.sql} {T} SET {changes} FROM {ordered} {I} WHERE {as_left}"
    return with_row_images(plan, undo.seq, update, OVERWRITTEN)


def put_back(undo: Undo) -> str:
    """Inserts the rows that went by the target; in append mode all that it changed."""
    plan = undo.plan
    columns = quote_all(_columns(plan))
    kinds = OVERWRITTEN + GONE if plan.mode is Mode.APPEND else GONE
    rows = f"SELECT {columns} FROM {_images(undo, kinds)} {I} ORDER BY {quote_all(plan.identity)}"
    return (
        f"WITH {_TAKEN} AS (INSERT INTO {plan.relation.sql} ({columns}) {rows} RETURNING {columns}) "
        f"INSERT INTO {plan.before.sql} ({IMAGE_BY}, {IMAGE_OP}, {columns}) "
        f"SELECT {undo.seq}, '{BACK}', {columns} FROM {_TAKEN}"
    )


def violates_unique(undo: Undo, column: str) -> str:
    """Whether a row that came back has a value in `column` that another key holds by now.

    Counted to the end: asked for one such row, of which there is none as a rule, the planner takes the way that finds
    the first soonest, and compares every row with every image.
    """
    plan, value = undo.plan, quote(column)
    changed = f"(SELECT DISTINCT {quote_all(plan.key)} FROM {plan.before.sql} WHERE {IMAGE_BY} = {undo.seq}) {I}"
    return (
        f"SELECT count(*) > 0 FROM {changed} JOIN {plan.relation.sql} {T} ON {same_key(plan, I, T)} "
        f"JOIN {plan.relation.sql} {S} ON {S}.{value} = {T}.{value} AND NOT ({same_key(plan, S, T)})"
    )


def overwriters(plan: RelationPlan, lowest: int) -> str:
    """Rows (writer, overwriter) of batches: who of number `lowest` or above changed rows, and who had written those."""
    return f"SELECT DISTINCT {BATCH}, {IMAGE_BY} FROM {plan.before.sql} WHERE {IMAGE_BY} >= {lowest}"


def writers_of_same_keys(plan: RelationPlan, seq: int, lowest: int) -> str:
    """Batches of number `lowest` or above that ever wrote a key which `seq`, a rollback, had changed."""
    key = quote_all(plan.key)
    touched = f"(SELECT DISTINCT {key} FROM {plan.before.sql} WHERE {IMAGE_BY} = {seq}) {J}"
    images = f"{plan.before.sql} {I} JOIN {touched} USING ({key}) WHERE {IMAGE_BY} >= {lowest}"
    return (
        f"SELECT {IMAGE_BY} FROM {images} UNION SELECT {BATCH} FROM {images} "
        f"UNION SELECT {BATCH} FROM {plan.relation.sql} {T} JOIN {touched} USING ({key}) WHERE {BATCH} >= {lowest}"
    )


def touched_by(plan: RelationPlan, undone_by: list[int]) -> str:
    """SQL condition on a staged row (alias `S`): these rollbacks changed its key; in append mode its session.

    The span of a row that went covers every observation that had become part of its session.
    """
    listed = ", ".join(str(seq) for seq in undone_by) or "NULL"
    condition = f"{I}.{IMAGE_BY} IN ({listed}) AND {same_key(plan, I, S)}"
    if plan.mode is Mode.APPEND:
        condition += f" AND {instant(plan, f'{S}.{quote(plan.event_time)}')} BETWEEN {I}.{FROM} AND {I}.{TO}"
    return f"EXISTS (SELECT FROM {plan.before.sql} {I} WHERE {condition})"


def changed_rows(plan: RelationPlan, seq: int, limit: int) -> str:
    """Rows (kind, the row as JSON, the row of its identity now) that a batch overwrote, removed or put back: some."""
    image, stored = (", ".join(f"{alias}.{quote(column.name)}" for column in plan.columns) for alias in (I, T))
    return (
        f"SELECT {I}.{IMAGE_OP}::text, to_jsonb({J}.*)::text, to_jsonb({_NOW}.*)::text "
        f"FROM (SELECT * FROM {plan.before.sql} WHERE {IMAGE_BY} = {seq} LIMIT {limit:d}) {I} "
        f"CROSS JOIN LATERAL (SELECT {image}) {J} "
        f"LEFT JOIN LATERAL (SELECT {stored} FROM {plan.relation.sql} {T} WHERE {_same_row(plan, T, I)}) {_NOW} ON true"
    )
