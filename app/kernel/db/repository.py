"""The base of every repository: it runs statements and answers rows.

A repository takes ids and statements. It never commits, knows no caller and swallows nothing; what a caller may see
is decided above.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, Table, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.kernel.db.bulk import Rows, add_rows, change_rows, put_rows
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import Order, listed, newest_first
from app.kernel.db.models import Base
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import NotFound

Model = TypeVar("Model", bound=Base)
Row = TypeVar("Row")


class Reading(Generic[Model]):
    """Answers rows of one model."""

    model: ClassVar[type[Base]]
    sorts: ClassVar[tuple[str, ...]] = ()
    """Columns, never NULL, by which a request may ask for a list to be sorted."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    def base(self) -> Select[Model]:
        """The statement that every other one begins with."""
        return select(self.model)

    async def one(self, statement: Select[Row]) -> Row:
        """The statement's only row. Raises `NotFound` when there is none."""
        found = await self.maybe(statement)
        if found is None:
            raise NotFound
        return found

    async def maybe(self, statement: Select[Row]) -> Row | None:
        """The statement's only row, or None."""
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def all(self, statement: Select[Row]) -> Sequence[Row]:
        """Every row; for results which are known to be small."""
        return (await self.session.execute(statement)).scalars().all()

    async def stream(self, statement: Select[Row]) -> AsyncIterator[Row]:
        """Row by row through a server-side cursor; memory does not grow with the result."""
        result = await self.session.stream_scalars(statement)
        async for row in result:
            yield row

    async def exists(self, statement: Select[*tuple[Any, ...]]) -> bool:
        """Whether the statement has a row."""
        return bool((await self.session.execute(select(statement.exists()))).scalar_one())

    async def count(self, statement: Select[*tuple[Any, ...]]) -> int:
        """How many rows the statement has."""
        counted = select(func.count()).select_from(statement.order_by(None).subquery())
        return int((await self.session.execute(counted)).scalar_one())

    async def page(self, statement: Select[Row], request: PageRequest, order: Order | None = None) -> Page[Row]:
        """A page of the statement's rows; newest first, by the model's UUIDv7 id, unless another order is given."""
        columns = self.model.__table__.c
        keys = (order or newest_first(columns.id)).keys
        sortable = Order(keys, {name: columns[name] for name in self.sorts})
        return await listed(self.session, statement, request, sortable, lambda row: row[0])

    async def by_id(self, id_: UUID) -> Model | None:
        """The row with this id, or None."""
        return await self.maybe(self.base().where(self.model.__table__.c.id == id_))


class Writing(Reading[Model]):
    """A repository that also makes and changes rows, within the transaction of its session."""

    session: WriteSession

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)

    async def add(self, row: Model) -> Model:
        """The row, inserted."""
        self.session.add(row)
        await self.session.flush()
        return row

    async def add_unless_taken(self, values: dict[str, Any]) -> Model | None:
        """The new row; None when a unique constraint of the table has such a row already."""
        made = insert(self.model).values(values).on_conflict_do_nothing().returning(self.model)
        row: Model | None = (await self.session.scalars(made)).one_or_none()  # type: ignore[assignment]  # of this model
        return row

    async def add_all(self, rows: Rows) -> int:
        """How many rows were made, `Rows` of any number at once."""
        return await add_rows(self.session, cast("Table", self.model.__table__), rows)

    async def change_all(self, rows: Rows, key: Sequence[str] = ("id",)) -> int:
        """How many rows were changed, each to the values of the row with its key."""
        return await change_rows(self.session, cast("Table", self.model.__table__), rows, key)

    async def put_all(self, rows: Rows, key: Sequence[str] = ("id",)) -> int:
        """How many rows were made, or changed where the key was there."""
        return await put_rows(self.session, cast("Table", self.model.__table__), rows, key)

    async def change_version(self, id_: UUID, version: int, values: Mapping[str, Any]) -> Model | None:
        """The row with these values and the next version; None where it is gone, or has another version by now."""
        columns = self.model.__table__.c
        changed = update(self.model).where(columns.id == id_, columns.version == version)
        changed = changed.values({**values, "version": version + 1}).returning(self.model)
        row: Model | None = (
            await self.session.scalars(changed, execution_options={"populate_existing": True})
        ).one_or_none()  # type: ignore[assignment]  # of this model
        return row

    async def remove_by_id(self, id_: UUID) -> bool:
        """Whether there was a row with this id; there is none now."""
        gone = delete(self.model).where(self.model.__table__.c.id == id_).returning(self.model.__table__.c.id)
        return (await self.session.scalars(gone)).one_or_none() is not None

    async def lock_by_id(self, id_: UUID) -> Model:
        """The row with this id, which nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(self.base().where(self.model.__table__.c.id == id_).with_for_update())
