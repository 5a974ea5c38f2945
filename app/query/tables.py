"""The tables that a statement may read, as the guard sees them: each name at the version it stands for now."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from app.catalog.tables.service import QueriedTableNotFound, TableService
from app.catalog.tables.version import QueryableTable
from app.kernel.db.database import ReadSession
from app.kernel.security.authorization import Actor
from app.query.guard.check import MAX_BYTES
from app.query.guard.findings import GuardFinding
from app.query.guard.relations import ColumnView, RelationView

_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
"""A name that a table may have (`app/catalog/names.py`)."""


async def readable(session: ReadSession, sql: str, deprecated: frozenset[str]) -> Mapping[str, RelationView]:
    """The readable tables, by logical name, whose names occur in the text, in whatever place.

    Args:
        session: to read the catalog.
        sql: as it was sent; an identifier stands in it as it is, since the guard refuses escapes.
        deprecated: names that may stand for a DEPRECATED version.
    """
    service, words = TableService(session), identifiers(sql)
    found = await service.find(words) if words else {}
    if flagged := (words & deprecated) - found.keys():
        found |= await service.find(flagged, include_deprecated=True)
    return {name: _view(table) for name, table in found.items()}


def identifiers(sql: str) -> frozenset[str]:
    """Every word of the statement that may be the name of a table, quoted or folded as PostgreSQL folds.

    Words in comments, texts and quotes are among them: a name that is looked up in vain costs nothing, and which of
    them are tables of the statement is for the guard to say. No statement is read beyond `MAX_BYTES`.
    """
    return frozenset(_WORD.findall(sql[:MAX_BYTES].lower()))


def may_join(sql: str) -> bool:
    """Whether the statement may relate two tables: it has a JOIN, a second FROM, or a comma after the first."""
    text = sql[:MAX_BYTES].lower()
    after = text.partition("from")[2]
    return "join" in text or "from" in after or "," in after


async def not_found(
    session: ReadSession, findings: tuple[GuardFinding, ...], deprecated: frozenset[str], actor: Actor
) -> QueriedTableNotFound | None:
    """The problem of the names that stand in FROM and are no readable table; None when there is no such name."""
    missing = [finding.table for finding in findings if finding.table is not None]
    if not missing:
        return None
    service = TableService(session)
    out_of_use = (await service.find(missing, include_deprecated=True)).keys() - deprecated
    try:
        await service.resolve(missing, actor)
    except QueriedTableNotFound as error:
        if not out_of_use:
            return error
        names = sorted(out_of_use)
        return QueriedTableNotFound(
            f"{error.detail} Deprecated: {', '.join(names)}; `options.include_deprecated` lets them be read.",
            deprecated=names,
            **error.fields,
        )
    return None


def with_nearest(findings: Iterable[GuardFinding], error: QueriedTableNotFound) -> tuple[GuardFinding, ...]:
    """The findings with the nearest of all readable names, of which the guard knew those in the statement alone."""
    nearest: Mapping[str | None, list[str]] = error.fields.get("nearest", {})
    return tuple(
        replace(finding, nearest=", ".join(nearest[finding.table]) or None) if finding.table in nearest else finding
        for finding in findings
    )


def _view(table: QueryableTable) -> RelationView:
    return RelationView(
        table_id=table.id,
        logical_name=table.name,
        version=table.version,
        state=table.state.value,
        schema=table.relation.schema,
        relation=table.relation.name,
        columns=tuple(ColumnView(column.name, column.type) for column in table.shape),
    )
