"""`table`: one version of a table, some of its columns, some of its rows, as a file.

Run by the query login, which reads published columns and nothing else. Tables in SHADOW are not published: they are
read by the runtime login, with a statement whose every word is written here, for who sees SHADOW tables.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, StringConstraints, model_validator

from app.catalog.tables.lifecycle import TableState, visible
from app.catalog.tables.references import TableReference, parse_reference
from app.catalog.tables.repository import TableReads
from app.catalog.tables.service import TableService, sees_shadow
from app.kernel.db.database import ReadSession
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import TABLE_IDS, FilterParams, Login, Source, Statement, Subject
from app.kernel.problems import Conflict, Fault
from app.kernel.quoting import quote_literal
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.operations.exports.problems import InvalidExport
from app.warehouse.inspection import Inspector, RelationColumn
from app.warehouse.naming import RelationName, quote
from app.warehouse.publishing import QUERY_ROLE
from app.warehouse.types import TypeKind, UnknownTypeError, parse_type

MAX_CONDITIONS: Final = 20
MAX_VALUES: Final = 1_000

Text = Annotated[str, StringConstraints(max_length=1_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=63)]


class Comparison(StrEnum):
    """How a column is compared."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    IS_NULL = "is_null"
    IS_NOT_NULL = "is_not_null"


_SIGNS: Final = {
    Comparison.EQ: "=",
    Comparison.NE: "<>",
    Comparison.LT: "<",
    Comparison.LE: "<=",
    Comparison.GT: ">",
    Comparison.GE: ">=",
}


class Condition(FilterParams):
    """One condition on rows."""

    column: Name = Field(description="Column of the table.")
    op: Comparison = Field(description="How it is compared.")
    value: Text | None = Field(None, description="With all but `in`, `is_null`, `is_not_null`: as PostgreSQL reads it.")
    values: list[Text] | None = Field(None, min_length=1, max_length=MAX_VALUES, description="With `in`.")

    @model_validator(mode="after")
    def _complete(self) -> "Condition":
        wanted = (self.op in _SIGNS, self.op is Comparison.IN)
        if wanted != (self.value is not None, self.values is not None):
            raise ValueError("`in` has values, `is_null` and `is_not_null` nothing, every other comparison a value")
        return self

    @property
    def operands(self) -> list[str]:
        """What the column is compared with."""
        return [self.value] if self.value is not None else list(self.values or ())


class TableParams(FilterParams):
    """Which rows of which table."""

    table: Annotated[str, StringConstraints(max_length=128)] = Field(description="Id, name or name@version.")
    columns: list[Name] | None = Field(None, min_length=1, max_length=1_600, description="All when absent.")
    where: list[Condition] = Field(default_factory=list, max_length=MAX_CONDITIONS, description="All hold.")


class NothingToExport(Conflict):
    """The table has no columns yet, or is out of use."""

    code, title = "nothing-to-export", "The table cannot be exported"


class TableSource(Source[TableParams]):
    """Tables."""

    name: ClassVar[str] = "table"
    permission: ClassVar[Permission] = Permission.TABLES_READ
    params: ClassVar[type[FilterParams]] = TableParams

    async def prepare(self, resources: Resources, actor: Actor, params: TableParams) -> Subject:
        """The version, its relation and the statement. Raises `TableNotFound`, `NothingToExport`, `InvalidExport`."""
        reference = parse_reference(params.table)
        async with resources.database.read() as session:
            version = await TableService(session).get(reference, actor)
            if version.state is TableState.DEPRECATED and reference.version is None and reference.id is None:
                raise NothingToExport(
                    f"{version.name} is deprecated. Ask for {version.label} to have it all the same.",
                    successor=version.successor,
                )
            if version.snapshot is None:
                raise NothingToExport(f"{version.label} has no columns yet.")
            columns = _chosen(params, {column.name: column for column in version.snapshot.shape})
            await _check_values(session, params, columns)
            published = version.state is not TableState.SHADOW and await Inspector(session).published(
                version.relation, list(columns), QUERY_ROLE
            )
        if not published and not sees_shadow(actor):
            raise NothingToExport(f"{version.label} was never published.")
        return {
            "table": version.label,
            "table_id": str(version.id),
            TABLE_IDS: [str(version.id)],
            "state": version.state.value,
            "published": published,
            "sql": _statement(version.relation, list(columns.values()), params),
            "decimals": _decimals(columns.values()),
        }

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement."""
        return Statement(
            sql=subject["sql"],
            login=Login.QUERY if subject["published"] else Login.RUNTIME,
            decimals={name: (int(digits[0]), int(digits[1])) for name, digits in subject["decimals"].items()},
        )

    async def may_read(self, session: ReadSession, actor: Actor, subject: Subject) -> bool:
        """Whether the version is there and visible, as it stands now."""
        version = await TableReads(session).find(TableReference(id=subject["table_id"]))
        return version is not None and visible(version.state, sees_shadow=sees_shadow(actor))


def _chosen(params: TableParams, shape: dict[str, RelationColumn]) -> dict[str, RelationColumn]:
    """The columns asked for, in that order. Raises `InvalidExport` which lists every unknown one."""
    names = list(shape) if params.columns is None else params.columns
    named = [(f"/filter_params/columns/{place}", name) for place, name in enumerate(params.columns or ())]
    named += [(f"/filter_params/where/{place}/column", each.column) for place, each in enumerate(params.where)]
    faults = [
        Fault(pointer=pointer, code="unknown-column", message=f"The columns are {', '.join(shape)}."[:1000])
        for pointer, name in named
        if name not in shape
    ]
    repeated = len(set(names)) < len(names)
    if repeated:
        faults.append(Fault(pointer="/filter_params/columns", code="repeated", message="Name a column once."))
    if faults:
        raise InvalidExport(faults)
    return {name: shape[name] for name in dict.fromkeys([*names, *(each.column for each in params.where)])}


async def _check_values(session: ReadSession, params: TableParams, columns: dict[str, RelationColumn]) -> None:
    faults = []
    for place, condition in enumerate(params.where):
        kind = columns[condition.column].type
        for value in condition.operands:
            if not await Inspector(session).fits(value, kind):
                message = f"{value[:80]!r} is not of the type {kind}."
                pointer = f"/filter_params/where/{place}"
                faults.append(Fault(pointer=pointer, code="not-of-type", message=message))
    if faults:
        raise InvalidExport(faults)


def _statement(relation: RelationName, columns: list[RelationColumn], params: TableParams) -> str:
    """The SELECT: names are quoted, values are literals cast to the column's type."""
    kinds = {column.name: column.type for column in columns}
    shown = params.columns if params.columns is not None else list(kinds)
    sql = f"SELECT {', '.join(quote(name) for name in shown)} FROM {relation.sql}"  # noqa: S608 - quoted throughout
    conditions = [_condition(each, kinds[each.column]) for each in params.where]
    return sql + (f" WHERE {' AND '.join(conditions)}" if conditions else "")


def _condition(condition: Condition, kind: str) -> str:
    name = quote(condition.column)
    match condition.op:
        case Comparison.IS_NULL:
            return f"{name} IS NULL"
        case Comparison.IS_NOT_NULL:
            return f"{name} IS NOT NULL"
        case Comparison.IN:
            return f"{name} IN ({', '.join(_value(value, kind) for value in condition.operands)})"
        case _:
            return f"{name} {_SIGNS[condition.op]} {_value(condition.operands[0], kind)}"


def _value(value: str, kind: str) -> str:
    return f"CAST({quote_literal(value)} AS {kind})"


def _decimals(columns: Any) -> dict[str, list[int]]:
    """Precision and scale of the columns that have them."""
    found = {}
    for column in columns:
        try:
            kind = parse_type(column.type)
        except UnknownTypeError:  # of an adopted relation
            continue
        if kind.kind is TypeKind.NUMERIC and kind.precision is not None:
            found[column.name] = [kind.precision, kind.scale or 0]
    return found
