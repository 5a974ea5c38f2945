"""Use cases of other planes: what tables and columns are called and described as."""

from uuid import UUID

from app.catalog.vocabulary.repository import WordReads
from app.catalog.vocabulary.words import ColumnName, TableWords
from app.kernel.db.database import ReadSession, WriteSession


async def table_words(session: ReadSession) -> list[TableWords]:
    """The words of the tables that can be queried, by name."""
    return await WordReads(session).of_queryable()


async def held_columns(session: WriteSession, table_id: UUID) -> list[ColumnName]:
    """The columns of a version as they are until the transaction ends: none can become private before that.

    Names, types, labels and privacy; none of a version that cannot be queried any more.
    """
    return await WordReads(session).hold_columns(table_id)
