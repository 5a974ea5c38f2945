"""Questions in words become statements: the engine is told what there is now, and refuses rather than guesses."""

import asyncio
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.catalog.glossary.entries import GlossaryEntry as Entry
from app.catalog.glossary.service import GlossaryReading
from app.catalog.vocabulary.service import table_words
from app.catalog.vocabulary.words import TableWords
from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.telemetry.metrics import QUERY_LATENCY, metrics_timer
from app.query.guard.relations import RelationView
from app.query.joins.in_force import joins_in_force
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.vocabulary.model import Column, GlossaryEntry, Meaning, Table, ValueHit, Vocabulary
from app.query.language.vocabulary.terms import spelt_out
from app.query.questions.configuration import QUESTIONS_ZONE
from app.query.questions.engines import Engines
from app.query.values.found import FoundValues, texts_of
from app.query.values.repository import ValueReads


class CannotAnswer(Problem):
    """The question cannot be read with certainty: what was understood, what was not, and what could be asked."""

    code, title, status = "cannot-answer", "The question cannot be answered", 422

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(
            f"{refusal.reason} Ask otherwise, or in SQL.",
            understood=[
                {"words": each.words, "meaning": each.meaning, "evidence": each.evidence} for each in refusal.understood
            ],
            not_understood=list(refusal.not_understood),
            nearest=list(refusal.nearest),
            alternatives=[
                {"sql": each.sql, "reading": each.reading, "confidence": each.confidence}
                for each in refusal.alternatives
            ],
        )


class Questions:
    """Reads questions. No session is held while one is read."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock, engines: Engines) -> None:
        self._units, self._configuration, self._clock, self._engines = units, configuration, clock, engines

    @metrics_timer(QUERY_LATENCY, "nl_to_sql")
    async def read(self, question: str) -> Interpretation:
        """The question as SQL, with everything that was made of it. Raises `CannotAnswer`."""
        vocabulary = await self._vocabulary(question)
        found = await asyncio.to_thread(lambda: self._engines.of(vocabulary).interpret(question))
        if isinstance(found, Refusal):
            raise CannotAnswer(found)
        return found

    async def _vocabulary(self, question: str) -> Vocabulary:
        """What is known now, and has to do with the question: of values only those that its words may mean."""
        async with self._units.read() as session:
            tables = await table_words(session)
            joins = await joins_in_force(session, {table.name: view_of(table) for table in tables})
            values = ValueReads(session)
            heads = await values.heads()
            names = {table.table_id: table for table in tables}
            terms = tuple(_term(entry) for entry in await GlossaryReading(session).in_force())
            read, _ = spelt_out(question, terms)
            hits = await values.hits(names, texts_of(read))
        shown = {
            table_id: {column.name for column in table.columns if not column.private}
            for table_id, table in names.items()
        }
        found = [
            (hit.term, ValueHit(names[hit.table_id].name, hit.column_name, hit.value, hit.worth))
            for hit in hits
            if hit.column_name in shown[hit.table_id]
        ]
        few = {
            (table.name, column): example
            for table_id, table in names.items()
            if table_id in heads
            for column, example in heads[table_id].few.items()
            if column in shown[table_id]
        }
        return Vocabulary(
            tables=tuple(_table(table) for table in tables),
            joins=joins,
            values=FoundValues(found, few),
            now=self._clock(),
            zone=self._zone(),
            glossary=terms,
        )

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self._configuration.value(QUESTIONS_ZONE))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")


def _table(table: TableWords) -> Table:
    single = {key[0] for key in table.keys if len(key) == 1}
    columns = [
        Column(each.name, each.type, each.description, each.labels, each.name in single, each.private)
        for each in table.columns
    ]
    return Table(table.name, tuple(columns), table.keys[0] if table.keys else (), None, table.description)


def view_of(table: TableWords) -> RelationView:
    """The table as the guard knows one, without its columns."""
    return RelationView(
        table.table_id, table.name, table.version, table.state.value, table.relation.schema, table.relation.name, ()
    )


def _term(entry: Entry) -> GlossaryEntry:
    return GlossaryEntry(
        entry.term,
        Meaning(entry.meaning.value),
        entry.table,
        entry.column,
        entry.value,
        entry.expression,
        entry.join_id,
    )
