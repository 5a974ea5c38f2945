"""Pages of a statement, by cursor or by number; each is one statement, whatever the list is joined from.

A cursor holds the values of the columns by which the list is ordered, of the last row of a page ("keyset"): the next
page is what comes behind, however many rows were added before. A number is for people who turn pages.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    Row,
    Select,
    SmallInteger,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from app.kernel.db.database import ReadSession
from app.kernel.paging import InvalidCursor, Numbered, Page, PageRequest, Sort, encode_cursor

Item = TypeVar("Item")
Column: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]

EXACT_ROWS: Final = 10_000
"""Rows that are counted for a page's total: some 2 ms. Beyond, the total is what PostgreSQL's planner estimates."""
_KEY: Final = "_key{}"
_TOTAL: Final = "_total"
_LARGEST: Final = {SmallInteger: 2**15, BigInteger: 2**63, Integer: 2**31}
"""Sizes of integers; the others are kinds of `Integer`, so they stand before."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column by which a list may be ordered: no boolean, and no row has NULL in the column."""

    column: Column
    is_descending: bool = False

    def read(self, text: str) -> Any:
        """The value that the text in a cursor stands for. Raises ValueError for what the column cannot hold."""
        kind = self.column.type
        if kind.python_type is int:
            value = int(text)
            if abs(value) >= next(most for each, most in _LARGEST.items() if isinstance(kind, each)):
                raise ValueError("beyond the column's type")
            return value
        if kind.python_type is datetime:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC)  # raises OverflowError near the ends of the calendar
        if "\x00" in text:
            raise ValueError("no text of PostgreSQL")
        text.encode()  # raises UnicodeEncodeError, a ValueError, for half a pair of surrogates
        return kind.python_type(text)

    def beyond(self, value: Any) -> ColumnElement[bool]:
        """That a row comes behind the value."""
        found: ColumnElement[bool] = self.column < value if self.is_descending else self.column > value
        return found

    @property
    def ordered(self) -> ColumnElement[Any]:
        """The column as `ORDER BY` has it."""
        return self.column.desc() if self.is_descending else self.column.asc()


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: its last column tells any two rows apart."""

    keys: tuple[SortKey, ...]
    sorts: Mapping[str, Column] = field(default_factory=dict)
    """Columns by which a request may ask for the list to be sorted, by the name in the answer."""

    def sorted_by(self, wanted: Sequence[Sort]) -> "Order":
        """The order that is asked for; rows that are equal in what was asked for stand as they would without."""
        if not wanted:
            return self
        asked = tuple(SortKey(self.sorts[sort.name], sort.is_descending) for sort in wanted)
        return Order((*asked, *self.keys), self.sorts)

    def behind(self, cursor: str) -> ColumnElement[bool]:
        """That a row comes behind the one that a cursor names. Raises ValueError."""
        texts = json.loads(cursor)
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not a cursor of a list")
        values = [key.read(text) for key, text in zip(self.keys, texts, strict=True)]
        same = [key.column == value for key, value in zip(self.keys, values, strict=True)]
        return or_(*[and_(*same[:n], key.beyond(values[n])) for n, key in enumerate(self.keys)])


def newest_first(id_: Column, sorts: Mapping[str, Column] | None = None) -> Order:
    """The order by an id that rises with time (UUIDv7), the last row first."""
    return Order((SortKey(id_, is_descending=True),), sorts or {})


async def listed(
    session: ReadSession,
    statement: Select[*tuple[Any, ...]],
    request: PageRequest,
    order: Order,
    shape: Callable[[Row[Any]], Item],
) -> Page[Item]:
    """The page that the request asks for, each row in the shape.

    Args:
        session: where the statement runs.
        statement: the whole list, in no order.
        request: which page, and sorted by what.
        order: of the list, and by what else it may be sorted.
        shape: makes an item of a row of the statement.

    Raises:
        InvalidCursor: the cursor was made by another list, or for another order.
    """
    order = order.sorted_by(request.sort)
    keyed = statement.add_columns(*[key.column.label(_KEY.format(n)) for n, key in enumerate(order.keys)])
    keyed = keyed.order_by(*[key.ordered for key in order.keys]).limit(request.limit + 1).offset(request.offset or None)
    behind = _behind(order, request)
    if behind is not None:
        keyed = keyed.where(behind)
    if request.number is not None:
        keyed = keyed.add_columns(_counted(statement).scalar_subquery().label(_TOTAL))
    rows = (await session.execute(keyed)).all()
    shown = rows[: request.limit]
    following = _cursor(shown[-1], len(order.keys)) if len(rows) > request.limit else None
    numbered = None if request.number is None else await _numbered(session, statement, request, rows)
    return Page([shape(row) for row in shown], following, numbered)


def _behind(order: Order, request: PageRequest) -> ColumnElement[bool] | None:
    """That a row comes behind the cursor of the request, if there is one. Raises `InvalidCursor`."""
    try:
        return request.after(order.behind)
    except (OverflowError, RecursionError) as error:
        raise InvalidCursor from error


def _counted(statement: Select[*tuple[Any, ...]]) -> Select[int]:
    return select(func.count()).select_from(statement.limit(EXACT_ROWS + 1).subquery())


async def _numbered(
    session: ReadSession, statement: Select[*tuple[Any, ...]], request: PageRequest, rows: Sequence[Row[Any]]
) -> Numbered:
    """What is said of a page with a number. Two more statements at most: behind the last page, and of a long list."""
    assert request.number is not None
    if rows:
        total = int(getattr(rows[0], _TOTAL))
    else:
        total = 0 if request.offset == 0 else (await session.scalars(_counted(statement))).one()
    if total <= EXACT_ROWS:
        return Numbered(request.number, request.limit, total)
    plan = (await session.execute(_Explained(statement))).scalar_one()
    estimated = int(plan[0]["Plan"]["Plan Rows"])
    return Numbered(request.number, request.limit, max(estimated, total), is_estimate=True)


def _cursor(row: Row[Any], keys: int) -> str:
    return encode_cursor(json.dumps([_text(getattr(row, _KEY.format(n))) for n in range(keys)], separators=(",", ":")))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class _Explained(Executable, ClauseElement):
    """The plan of a statement as JSON; the statement is not run."""

    inherit_cache = False

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement


@compiles(_Explained)
def _explained(element: _Explained, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"
