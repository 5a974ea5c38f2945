"""Use case of other planes: what tables and columns are called and described as."""

from app.catalog.vocabulary.repository import WordReads
from app.catalog.vocabulary.words import TableWords
from app.kernel.db.database import ReadSession


async def table_words(session: ReadSession) -> list[TableWords]:
    """The words of the tables that can be queried, by name."""
    return await WordReads(session).of_queryable()
