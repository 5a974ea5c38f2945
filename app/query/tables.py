"""The tables that a statement may read, as the guard sees them: each name at the version it stands for now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.catalog.tables.service import TableNotFoundError, TableService
from app.catalog.tables.version import QueryableTable
from app.kernel.authorization import Actor
from app.kernel.database import ReadSession
from app.query.findings import Finding
from app.query.relations import ColumnView, RelationView

_UNKNOWN_TABLE: Final = "unknown-table"
_NOT_QUERYABLE: Final = " is not a table that you may query."
"""How the guard says that a name in FROM is no readable table; an unknown qualifier has the same rule, other words."""


@dataclass(frozen=True, slots=True)
class Readable:
    """The relations whose names occur in a statement, by logical name."""

    relations: Mapping[str, RelationView]


async def readable(session: ReadSession, sql: str, deprecated: frozenset[str], actor: Actor) -> Readable:
    """The readable tables whose names occur in the text, in whatever place.

    Args:
        session: to read the catalog.
        sql: as it was sent; an identifier stands in it as it is, since the guard refuses escapes.
        deprecated: names that may stand for a DEPRECATED version.
        actor: who asks.
    """
    service, text = TableService(session), sql.lower()
    current = _occurring(await service.queryable(), text)
    flagged = _occurring(set(await service.queryable(include_deprecated=True)) & deprecated, text) if deprecated else []
    found = await service.resolve(current, actor) if current else {}
    if flagged:
        found |= await service.resolve(flagged, actor, include_deprecated=True)
    return Readable({name: _view(table) for name, table in found.items()})


async def not_found(
    session: ReadSession, findings: tuple[Finding, ...], deprecated: frozenset[str], actor: Actor
) -> TableNotFoundError | None:
    """The problem of the names that stand in FROM and are no readable table; None when there is no such name."""
    missing = [
        finding.message.removesuffix(_NOT_QUERYABLE)
        for finding in findings
        if finding.rule == _UNKNOWN_TABLE and finding.message.endswith(_NOT_QUERYABLE)
    ]
    if not missing:
        return None
    service = TableService(session)
    out_of_use = set(missing) & set(await service.queryable(include_deprecated=True)) - deprecated
    try:
        await service.resolve(missing, actor)
    except TableNotFoundError as error:
        if not out_of_use:
            return error
        names = sorted(out_of_use)
        return TableNotFoundError(
            f"{error.detail} Deprecated: {', '.join(names)}; `options.include_deprecated` lets them be read.",
            deprecated=names,
            **error.fields,
        )
    return None


def with_nearest(findings: Iterable[Finding], error: TableNotFoundError) -> tuple[Finding, ...]:
    """The findings with the nearest of all readable names, of which the guard knew those in the statement alone."""
    nearest: Mapping[str, list[str]] = error.fields.get("nearest", {})
    return tuple(
        replace(finding, nearest=", ".join(names) or None)
        if (names := nearest.get(finding.message.removesuffix(_NOT_QUERYABLE))) is not None
        else finding
        for finding in findings
    )


def _occurring(names: Iterable[str], text: str) -> list[str]:
    return [name for name in names if name in text]


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
