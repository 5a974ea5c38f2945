"""What a process keeps between questions: the engine, and the values of columns of few values."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.kernel.db.database import ReadSession
from app.query.language.engine import Engine
from app.query.language.vocabulary.model import Vocabulary
from app.query.values.repository import ValueReads

Few = Mapping[str, Sequence[str]]
"""By column all its values, of the columns of a table that have few."""


class QuestionCache:
    """Keeps the newest engine, and few values as they were last indexed."""

    def __init__(self) -> None:
        self._engine: tuple[tuple[Any, ...], Engine] | None = None
        self._making = asyncio.Lock()
        self._few: dict[UUID, tuple[datetime, Few]] = {}

    async def engine(self, vocabulary: Vocabulary) -> Engine:
        """An engine of the tables of the vocabulary, to be told the rest; made anew where tables have changed.

        Making one takes up to seconds where there are thousands of columns, so whoever else wants that waits.
        """
        async with self._making:
            if self._engine is None or self._engine[0] != vocabulary.tables:
                self._engine = (vocabulary.tables, await asyncio.to_thread(Engine, vocabulary))
            return self._engine[1]

    async def few(self, session: ReadSession) -> Mapping[UUID, Few]:
        """The few values of every indexed version of a table; what was indexed anew is read again."""
        reads = ValueReads(session)
        built = await reads.built()
        changed = [table_id for table_id, at in built.items() if self._few.get(table_id, (None,))[0] != at]
        read = await reads.few(changed) if changed else {}
        kept = self._few | {table_id: (built[table_id], few) for table_id, few in read.items()}
        self._few = {table_id: kept[table_id] for table_id in built if table_id in kept}
        return {table_id: few for table_id, (_, few) in self._few.items()}
