"""`query`: the result of a preview as a file, under the caller's own limits. The preview is used up by the request.

What runs is the text that the guard wrote, by the query login. A result beyond the limits fails: it is never cut.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from app.audit.log.service import AuditTrail
from app.catalog.joins.service import JoinUsage
from app.catalog.tables.service import QueriedTableNotFound, TableService
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import TABLE_IDS, Ended, FilterParams, Login, Source, Statement, Subject
from app.kernel.quoting import quote_identifier
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.kernel.tabular.rendering import Column
from app.query.actions import QueryAction
from app.query.check_statement import require_affordable
from app.query.execute import ExecuteService, PreviewUsed, execution_of
from app.query.repository import ExecutionWrites, PreviewReads, PreviewWrites
from app.query.results.columns import bounded
from app.query.results.statements import MAX_ROW_BYTES, open_statement

CANCELLED = "cancelled"


class QueryParams(FilterParams):
    """Which preview."""

    preview_id: UUID = Field(description="A preview of the caller's own, that was not executed yet.")


class QuerySource(Source[QueryParams]):
    """Previewed queries."""

    name: ClassVar[str] = "query"
    permission: ClassVar[Permission] = Permission.QUERY_RUN
    params: ClassVar[type[FilterParams]] = QueryParams

    async def prepare(self, resources: Resources, actor: Actor, params: QueryParams) -> Subject:
        """The statement and its limits. Raises as the execution of the preview does."""
        executable = await resources.build(ExecuteService).check(actor, params.preview_id)
        checked, limits = executable.checked, executable.limits
        sql = checked.require_allowed()
        async with open_statement(resources.query_login, sql, limits, checked.names) as prepared:
            await require_affordable(prepared, checked, limits)
            columns = await prepared.columns()
        return {
            "preview_id": str(params.preview_id),
            "sql_hash": executable.preview.sql_hash,
            "tables": checked.table_versions,
            "joins": [list(join) for join in executable.joins],
            TABLE_IDS: [str(relation.table_id) for relation in checked.relations],
            "sql": _named(sql, columns),
            "limits": asdict(limits),
        }

    async def claim(self, session: WriteSession, actor: Actor, export_id: UUID, subject: Subject) -> None:
        """Use the preview up. Raises `PreviewUsed`."""
        preview_id = UUID(subject["preview_id"])
        if not await PreviewWrites(session).claim(preview_id):
            raise PreviewUsed
        after = {"export": str(export_id), "sql_hash": subject["sql_hash"], "tables": subject["tables"]}
        await AuditTrail(session).append(actor, QueryAction.EXECUTED, "query-preview", preview_id, after=after)

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement under its limits."""
        limits = subject["limits"]
        return Statement(
            sql=subject["sql"],
            login=Login.QUERY,
            timeout_ms=int(limits["timeout_ms"]),
            work_mem_kb=int(limits["work_mem_kb"]),
            max_rows=int(limits["max_rows"]),
            max_bytes=int(limits["max_bytes"]),
        )

    async def may_read(self, session: ReadSession, actor: Actor, subject: Subject) -> bool:
        """Whether every table of the query can still be queried, by whatever version."""
        names = [table.rpartition("@")[0] for table in subject["tables"]]
        try:
            await TableService(session).resolve(names, actor, include_deprecated=True)
        except QueriedTableNotFound:
            return False
        return True

    async def ended(self, session: WriteSession, subject: Subject, ended: Ended) -> None:
        """Record the export among the executions."""
        previews = PreviewReads(session)
        preview = await previews.by_id(UUID(subject["preview_id"]))
        if preview is None:
            return
        now = await previews.now()
        failed = ended.error_code is not None
        execution = execution_of(
            preview,
            preview.owner_label,
            "export",
            started_at=now - timedelta(seconds=ended.seconds),
            finished_at=now,
            seconds=ended.seconds,
            rows=ended.rows,
            bytes=ended.bytes,
            estimated_rows=preview.estimated_rows,
            truncated=None if failed else False,
            outcome=CANCELLED if ended.error_code == CANCELLED else "failed" if failed else "succeeded",
            error_code=ended.error_code,
        )
        await ExecutionWrites(session).add(execution)
        joins = [(join_id, version) for join_id, version in subject.get("joins", ())]
        await JoinUsage(session).record(execution.id, joins, now)


def _named(sql: str, columns: tuple[Column, ...]) -> str:
    """The statement, failing on a row that is larger than any may be, its columns under their own names."""
    narrow = bounded(sql, columns, MAX_ROW_BYTES)
    if narrow == sql:
        return sql
    shown = ", ".join(f"c{index} AS {quote_identifier(column.name)}" for index, column in enumerate(columns))
    return f"SELECT {shown} FROM ({narrow}) AS narrow"  # noqa: S608 - the guard wrote it, and the names are quoted


EXPORT_SOURCES = (QuerySource(),)
