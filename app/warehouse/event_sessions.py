# ruff: noqa: S608 - the statements are made of a validated plan; every identifier goes through `quote`
"""The statements of an append-mode merge: one row per key and session of event time. Pure: a batch in, SQL text out.

Observations of one key whose event times lie within the dedupe window of each other, directly or through others, form
a session. Sessions are connected components, so they are the same in whatever order observations arrive. A stored row
carries the span of its session (`_spyne_from`, `_spyne_to`); that is all that must be remembered to go on exactly.

The row that stays is the resolution's winner among the session's observations. Under `reject` nothing stored is ever
removed: a row is stored when no earlier observation lies within the window of it, else it is a duplicate (same content
as a row kept in its session) or a conflict. Which statement runs when, and which count comes from which:
`app/warehouse/ingest.py`. The reference in plain Python: `tests/reference/verdicts.py`.
"""

from app.warehouse.layout import BATCH, FROM, HASH, LINE, ORIGIN, ORIGIN_LINE, TO, VERDICT, instant
from app.warehouse.merge import Batch, S, T, W, filled, insert_staged, with_images
from app.warehouse.naming import RelationName, own, quote, quote_all
from app.warehouse.plan import Mode, RelationPlan, Resolution

N, _TOUCHED = own("n"), own("touched")
"""Aliases: a new observation beside that of a stored row; keys that the batch touches. The columns of the working
relation are all ours: of the users' columns it has the values of the key alone, as k0, k1, …"""

_ORDER = {
    Resolution.LATEST_WINS: "happened DESC, content DESC, stored DESC, origin, line",
    Resolution.EARLIEST_WINS: "happened, content, stored DESC, origin, line",
    Resolution.FIRST_WRITE_WINS: "origin, line",
    Resolution.LAST_WRITE_WINS: "origin DESC, line DESC",
    Resolution.REJECT: "origin, line",
}


def _observations(batch: Batch) -> str:
    """Staged rows in the race and stored rows of the same keys, as points and spans on the line of event time."""
    plan, key = batch.plan, batch.plan.key
    time = quote(plan.event_time)
    names = tuple(f"k{i}" for i in range(len(key)))
    staged_key = ", ".join(f"{S}.{quote(name)} AS {alias}" for name, alias in zip(key, names, strict=True))
    stored_key = ", ".join(f"{T}.{quote(name)}" for name in key)
    moment = instant(plan, f"{S}.{time}")
    stored = ", ".join(f"{T}.{name}" for name in (FROM, TO, time, HASH, ORIGIN, ORIGIN_LINE))
    touched = f"SELECT DISTINCT {quote_all(key)} FROM {batch.staging.sql} WHERE {VERDICT} IS NULL"
    return (
        f"SELECT {staged_key}, {moment} AS opens, {moment} AS closes, {S}.{time} AS happened, {S}.{HASH} AS content, "
        f"{batch.seq}::bigint AS origin, {S}.{LINE} AS line, false AS stored "
        f"FROM {batch.staging.sql} {S} WHERE {S}.{VERDICT} IS NULL "
        f"UNION ALL SELECT {stored_key}, {stored}, true "
        f"FROM {plan.relation.sql} {T} JOIN ({touched}) {_TOUCHED} USING ({quote_all(key)})"
    )


def _window(plan: RelationPlan) -> str:
    return f"make_interval(secs => {plan.dedupe_window.total_seconds()!r})"


def create_sessions(batch: Batch, working: RelationName) -> str:
    """Makes the working relation: every observation with its session, the session's span, and whether it stays.

    `place` is 1 for the row that stays; under `reject` for every row that stays. `best` numbers the stored rows of a
    session, the resolution's favourite first.
    """
    plan = batch.plan
    key = ", ".join(f"k{i}" for i in range(len(plan.key)))
    order = _ORDER[plan.resolution]
    along = f"PARTITION BY {key} ORDER BY opens, closes, origin, line"
    reached = f"max(closes) OVER ({along} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    place = (
        _kept(plan, key)
        if plan.resolution is Resolution.REJECT
        else f"row_number() OVER (PARTITION BY {key}, session ORDER BY {order})"
    )
    return (
        f"CREATE TEMPORARY TABLE {working.sql} AS "
        f"WITH observed AS ({_observations(batch)}), "
        f"cut AS (SELECT *, CASE WHEN opens <= {reached} + {_window(plan)} THEN 0 ELSE 1 END AS begins FROM observed), "
        f"numbered AS (SELECT *, sum(begins) OVER ({along} ROWS UNBOUNDED PRECEDING) AS session FROM cut), "
        f"placed AS (SELECT *, {place} AS place FROM numbered), "
        f"whole AS (SELECT *, min(opens) OVER one AS span_from, max(closes) OVER one AS span_to, "
        f"bool_or(stored) OVER one AS known, NOT bool_and(stored) OVER one AS touched, "
        f"row_number() OVER (PARTITION BY {key}, session, stored ORDER BY {order}) AS best "
        f"FROM placed WINDOW one AS (PARTITION BY {key}, session)) "
        f"SELECT * FROM whole WHERE touched"
    )


def _kept(plan: RelationPlan, key: str) -> str:
    """Under `reject`: 1 for stored rows and for rows with no earlier observation within the window, else 2."""
    window = _window(plan)
    forwards = f"(PARTITION BY {key} ORDER BY opens, stored DESC, line ROWS UNBOUNDED PRECEDING)"
    backwards = f"(PARTITION BY {key} ORDER BY opens DESC, stored DESC, line ROWS UNBOUNDED PRECEDING)"
    before = f"max(closes) FILTER (WHERE stored) OVER {forwards}"
    after = f"min(opens) FILTER (WHERE stored) OVER {backwards}"
    first = (
        f"min(line) FILTER (WHERE NOT stored) OVER (PARTITION BY {key} ORDER BY opens "
        f"RANGE BETWEEN {window} PRECEDING AND {window} FOLLOWING)"
    )
    return (
        f"CASE WHEN stored THEN 1 WHEN opens <= {before} + {window} OR opens >= {after} - {window} OR {first} < line "
        f"THEN 2 ELSE 1 END"
    )


def _at(plan: RelationPlan, relation: str, working: str) -> str:
    """SQL condition: the stored row of alias `relation` is the observation of alias `working`."""
    key = " AND ".join(f"{relation}.{quote(name)} = {working}.k{i}" for i, name in enumerate(plan.key))
    return f"{key} AND {relation}.{quote(plan.event_time)} = {working}.happened"


def overwrites(plan: RelationPlan) -> bool:
    """Whether rows of a session are overwritten by others: in append mode, unless such rows are refused."""
    return plan.mode is Mode.APPEND and plan.resolution is not Resolution.REJECT


def complete_absent(batch: Batch, working: RelationName, columns: tuple[str, ...]) -> str:
    """Gives staged rows what the stored row that they may overwrite has in these columns, which no row brings.

    That is the row of their session which the resolution prefers. Where there are sessions without overwriting, under
    `reject`, `merge.complete_absent` does it.
    """
    changes, known = filled(columns)
    return (
        f"UPDATE {batch.staging.sql} {S} SET {changes} FROM {working.sql} {N} "
        f"JOIN {working.sql} {W} ON {_same_session(batch.plan)} AND {W}.stored AND {W}.best = 1 "
        f"JOIN {batch.plan.relation.sql} {T} ON {_at(batch.plan, T, W)} "
        f"WHERE NOT {N}.stored AND {N}.line = {S}.{LINE} AND ({known})"
    )


def _same_session(plan: RelationPlan) -> str:
    """SQL condition: an observation of a stored row (`W`) and a new one (`N`) are in one session."""
    return " AND ".join(f"{W}.k{i} = {N}.k{i}" for i in range(len(plan.key))) + f" AND {W}.session = {N}.session"


def delete_absorbed(batch: Batch, working: RelationName) -> str:
    """Deletes stored rows whose session has another stored row that is preferred; they stay as before-images."""
    plan = batch.plan
    absorbed = f"{_at(plan, T, W)} AND {W}.stored AND {W}.best > 1"
    delete = f"DELETE FROM {plan.relation.sql} {T} USING {working.sql} {W} WHERE {absorbed}"
    return with_images(batch, delete, "D")


def extend_spans(batch: Batch, working: RelationName) -> str:
    """Widens the span of stored rows that stay; old versions go to the before-images."""
    plan = batch.plan
    update = (
        f"UPDATE {plan.relation.sql} {T} SET {FROM} = {W}.span_from, {TO} = {W}.span_to, {BATCH} = {batch.seq} "
        f"FROM {working.sql} {W} WHERE {_at(plan, T, W)} AND {W}.stored AND {W}.place = 1 "
        f"AND ({T}.{FROM}, {T}.{TO}) IS DISTINCT FROM ({W}.span_from, {W}.span_to)"
    )
    return with_images(batch, update, "U")


def overwrite_beaten(batch: Batch, working: RelationName) -> str:
    """Puts the winner of the batch in the place of the session's stored row.

    The processing time moves only with the content: a later sighting of the same content is a duplicate.
    """
    plan = batch.plan
    names = [column.name for column in plan.record_columns if column.name not in plan.key]
    changes = "".join(f"{quote(name)} = {S}.{quote(name)}, " for name in names)
    received = quote(plan.processing_time)
    changes += (
        f"{received} = CASE WHEN {T}.{HASH} = {S}.{HASH} THEN {T}.{received} ELSE {batch.time_literal} END, "
        f"{HASH} = {S}.{HASH}, {BATCH} = {batch.seq}, {FROM} = {N}.span_from, {TO} = {N}.span_to, "
        f"{ORIGIN} = {batch.seq}, {ORIGIN_LINE} = {S}.{LINE}"
    )
    update = (
        f"UPDATE {plan.relation.sql} {T} SET {changes} FROM {working.sql} {W} "
        f"JOIN {working.sql} {N} ON {_same_session(plan)} AND NOT {N}.stored AND {N}.place = 1 "
        f"JOIN {batch.staging.sql} {S} ON {S}.{LINE} = {N}.line "
        f"WHERE {_at(plan, T, W)} AND {W}.stored AND {W}.best = 1"
    )
    return with_images(batch, update, "U")


def insert_sessions(batch: Batch, working: RelationName) -> str:
    """Writes the rows that stay in sessions without a stored row (under `reject`: every row that stays)."""
    fresh = "" if batch.plan.resolution is Resolution.REJECT else f" AND NOT {W}.known"
    joined = f"{working.sql} {W} JOIN {batch.staging.sql} {S} ON {S}.{LINE} = {W}.line"
    rows = f"{joined} WHERE NOT {W}.stored AND {W}.place = 1{fresh}"
    return insert_staged(batch, rows, _session(batch, f"{W}.span_from", f"{W}.span_to"))


def insert_singles(batch: Batch) -> str:
    """Writes every staged row as a session of its own: for an empty relation and a batch without repeated keys."""
    plan = batch.plan
    time = instant(plan, f"{S}.{quote(plan.event_time)}")
    rows = f"{batch.staging.sql} {S} WHERE {S}.{VERDICT} IS NULL ORDER BY {quote_all(plan.identity, f'{S}.')}"
    return insert_staged(batch, rows, _session(batch, time, time))


def _session(batch: Batch, begin: str, end: str) -> dict[str, str]:
    """The hidden columns of a staged row that begins a session: the span, and where the row comes from."""
    return {FROM: begin, TO: end, ORIGIN: str(batch.seq), ORIGIN_LINE: f"{S}.{LINE}"}


def count_verdicts(batch: Batch, working: RelationName) -> str:
    """A single row: staged rows inserted, updated, duplicate, and beaten by other content; run before the writes."""
    plan = batch.plan
    key = ", ".join(f"k{i}" for i in range(len(plan.key)))
    one = f"PARTITION BY {key}, session"
    if plan.resolution is Resolution.REJECT:
        kept = f"bool_or(place = 1) OVER ({one}, content)"
        return (
            "SELECT count(*) FILTER (WHERE place = 1), 0::bigint, count(*) FILTER (WHERE place = 2 AND same), "
            "count(*) FILTER (WHERE place = 2 AND NOT same) "
            f"FROM (SELECT stored, place, {kept} AS same FROM {working.sql}) v WHERE NOT stored"
        )
    winner = f"max(content) FILTER (WHERE place = 1) OVER ({one})"
    stored = f"max(content) FILTER (WHERE stored AND best = 1) OVER ({one})"
    return (
        "SELECT count(*) FILTER (WHERE place = 1 AND NOT known), "
        "count(*) FILTER (WHERE place = 1 AND known AND content <> before), "
        "count(*) FILTER (WHERE (place > 1 AND content = winner) OR (place = 1 AND known AND content = before)), "
        "count(*) FILTER (WHERE place > 1 AND content <> winner) "
        f"FROM (SELECT stored, place, known, content, {winner} AS winner, {stored} AS before FROM {working.sql}) v "
        "WHERE NOT stored"
    )


def mark_conflicts(batch: Batch, working: RelationName) -> str:
    """Marks the staged rows that `reject` refuses, for quarantine."""
    plan = batch.plan
    key = ", ".join(f"k{i}" for i in range(len(plan.key)))
    return (
        f"UPDATE {batch.staging.sql} {S} SET {VERDICT} = 'c' FROM (SELECT line, stored, place, "
        f"bool_or(place = 1) OVER (PARTITION BY {key}, session, content) AS same FROM {working.sql}) {W} "
        f"WHERE {S}.{LINE} = {W}.line AND NOT {W}.stored AND {W}.place = 2 AND NOT {W}.same"
    )
