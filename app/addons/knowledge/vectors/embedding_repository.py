"""All SQL of embeddings. They are arrays; the extension `vector` compares them where it is there."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.addons.knowledge.vectors.embeddings import Vector
from app.addons.knowledge.vectors.index import Match, VectorRecord
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.quoting import quote_identifier

_SCHEMA: Final = (
    "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
    "WHERE e.extname = 'vector' AND has_schema_privilege(n.oid, 'USAGE')"
)
_ACTIVE: Final = (
    "FROM spyne.knowledge_chunks c JOIN spyne.knowledge_documents d ON d.id = c.document_id "
    "LEFT JOIN spyne.knowledge_embeddings e ON e.chunk_id = c.id "
)
_PENDING: Final = "d.is_active AND (e.chunk_id IS NULL OR e.model <> :model OR e.place <> :place)"


class EmbeddingReads:
    """Reads embeddings, and which passages have none."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def schema_of_extension(self) -> str | None:
        """The schema of the extension `vector`; None where there is none that may be used."""
        found: str | None = (await self.session.execute(text(_SCHEMA))).scalar_one_or_none()
        return found

    async def pending(self, model: str, place: str, most: int) -> Sequence[tuple[UUID, str]]:
        """Passages of active documents without an embedding of the model at this place: id and text to embed."""
        statement = text(
            f"SELECT c.id, c.heading || E'\\n\\n' || c.body {_ACTIVE} WHERE {_PENDING} ORDER BY c.id LIMIT :most"
        )
        found = await self.session.execute(statement, {"model": model, "place": place, "most": most})
        return [(row[0], row[1]) for row in found]

    async def count_pending(self, model: str, place: str) -> int:
        """How many passages of active documents have no embedding of the model at this place."""
        statement = text(f"SELECT count(*) {_ACTIVE} WHERE {_PENDING}")
        return int((await self.session.execute(statement, {"model": model, "place": place})).scalar_one())

    async def unwanted(self, place: str, most: int) -> Sequence[UUID]:
        """Passages of inactive documents whose embeddings are at this place."""
        statement = text(f"SELECT c.id {_ACTIVE} WHERE NOT d.is_active AND e.place = :place ORDER BY c.id LIMIT :most")
        return [row[0] for row in await self.session.execute(statement, {"place": place, "most": most})]

    async def nearest(self, schema: str, model: str, vector: Vector, limit: int) -> Sequence[Match]:
        """Passages of active documents by the cosine of their embeddings with the vector, by exact comparison."""
        name = quote_identifier(schema)
        distance = (
            f"CAST(e.embedding AS {name}.vector) OPERATOR({name}.<=>) CAST(CAST(:vector AS real[]) AS {name}.vector)"
        )
        statement = text(
            f"SELECT e.chunk_id, 1 - ({distance}) AS score FROM spyne.knowledge_embeddings e "  # noqa: S608 - a quoted name
            "JOIN spyne.knowledge_chunks c ON c.id = e.chunk_id "
            "JOIN spyne.knowledge_documents d ON d.id = c.document_id "
            "WHERE e.place = 'postgres' AND e.model = :model AND d.is_active "
            "ORDER BY score DESC, e.chunk_id LIMIT :limit"
        )
        asked = {"vector": list(vector), "model": model, "limit": limit}
        return [Match(row.chunk_id, row.score) for row in await self.session.execute(statement, asked)]


class EmbeddingWrites(EmbeddingReads):
    """Keeps embeddings, and notes which are kept elsewhere."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def keep(self, model: str, records: Sequence[VectorRecord]) -> None:
        """Keep these; passages that are gone since are passed over."""
        statement = text(_KEPT.format(embedding="CAST(:embedding AS real[])"))
        rows: list[dict[str, Any]] = [
            {"id": record.id, "model": model, "place": "postgres", "embedding": list(record.vector)}
            for record in records
        ]
        await self.writer.execute(statement, rows)

    async def note(self, model: str, place: str, ids: Sequence[UUID]) -> None:
        """Note that embeddings of these passages are kept elsewhere."""
        statement = text(_KEPT.format(embedding="NULL"))
        await self.writer.execute(statement, [{"id": each, "model": model, "place": place} for each in ids])

    async def outdate(self, document_id: UUID) -> None:
        """Let the passages of a document need new embeddings; where the old ones are is kept, to remove them there."""
        await self.writer.execute(
            text(
                "UPDATE spyne.knowledge_embeddings SET model = '' WHERE chunk_id IN "
                "(SELECT c.id FROM spyne.knowledge_chunks c WHERE c.document_id = :document_id)"
            ),
            {"document_id": document_id},
        )

    async def forget(self, ids: Sequence[UUID]) -> None:
        """Let these passages have no embedding."""
        await self.writer.execute(
            text("DELETE FROM spyne.knowledge_embeddings WHERE chunk_id = ANY(:ids)"), {"ids": list(ids)}
        )


_KEPT: Final = (
    "INSERT INTO spyne.knowledge_embeddings (chunk_id, model, place, embedding) "
    "SELECT c.id, :model, :place, {embedding} FROM spyne.knowledge_chunks c WHERE c.id = :id FOR KEY SHARE "
    "ON CONFLICT (chunk_id) DO UPDATE "
    "SET model = excluded.model, place = excluded.place, embedding = excluded.embedding"
)
