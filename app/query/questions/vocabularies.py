"""What is known when a question is read: tables, joins, terms, and the values that its words may mean."""

from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.catalog.glossary.service import GlossaryReading
from app.catalog.glossary.terms import Term
from app.catalog.vocabulary.service import table_words
from app.catalog.vocabulary.words import TableWords
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, Units
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.query.corrections.repository import CorrectionReads
from app.query.guard.relations import RelationView
from app.query.joins.in_force import joins_in_force
from app.query.language.vocabulary.model import Column, Table, ValueHit, Vocabulary
from app.query.language.vocabulary.terms import spelt_out
from app.query.questions.answers import overlaid
from app.query.questions.cache import QuestionCache
from app.query.questions.configuration import QUESTIONS_ZONE
from app.query.values.found import FoundValues, texts_of
from app.query.values.repository import ValueReads


class Vocabularies:
    """Reads vocabularies, each in one short session."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock, cache: QuestionCache) -> None:
        self._units, self._configuration, self._clock, self._cache = units, configuration, clock, cache

    async def of(self, question: str, actor: Actor, further: Sequence[Term] = ()) -> Vocabulary:
        """What is known now, and has to do with the question: of values only those that its words may mean.

        The actor's own corrections stand over the glossary, and `further` ones, which are made just now, over both.
        """
        async with self._units.read() as session:
            tables = await table_words(session)
            joins = await joins_in_force(session, {table.name: _view(table) for table in tables})
            names = {table.table_id: table for table in tables}
            terms = _without_private(await _terms(session, actor, further), tables)
            read, _ = spelt_out(question, terms)
            hits = await ValueReads(session).hits(names, texts_of(read))
            indexed = await self._cache.few(session)
        shown = {table_id: _shown(table) for table_id, table in names.items()}
        found = [
            (hit.term, ValueHit(names[hit.table_id].name, hit.column_name, hit.value, hit.worth))
            for hit in hits
            if hit.column_name in shown[hit.table_id]
        ]
        few = {
            (table.name, column): values
            for table_id, table in names.items()
            for column, values in indexed.get(table_id, {}).items()
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

    async def terms(self, actor: Actor) -> tuple[Term, ...]:
        """The terms in force for the actor."""
        async with self._units.read() as session:
            terms = await _terms(session, actor, ())
            valued = any(term.value is not None for term in terms)
            return _without_private(terms, await table_words(session)) if valued else terms

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self._configuration.value(QUESTIONS_ZONE))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")


async def _terms(session: ReadSession, actor: Actor, further: Sequence[Term]) -> tuple[Term, ...]:
    """The terms in force for the actor."""
    own = overlaid(await CorrectionReads(session).proposed_by(actor), further)
    return overlaid(await GlossaryReading(session).in_force(), own)


def _without_private(terms: Sequence[Term], tables: Sequence[TableWords]) -> tuple[Term, ...]:
    """The terms without those that stand for a value which is private by now."""
    private = {(table.name, column.name) for table in tables for column in table.columns if column.private}
    return tuple(each for each in terms if each.value is None or (each.table, each.column) not in private)


@lru_cache(maxsize=4_096)
def _table(table: TableWords) -> Table:
    """The same object as long as nothing else is said of the table, so that an engine is known to fit at once."""
    columns = [
        Column(each.name, each.type, each.description, each.labels, each.name in table.unique, each.private)
        for each in table.columns
    ]
    return Table(table.name, tuple(columns), table.key, None, table.description)


@lru_cache(maxsize=4_096)
def _shown(table: TableWords) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if not column.private)


@lru_cache(maxsize=4_096)
def _view(table: TableWords) -> RelationView:
    return RelationView(
        table.table_id, table.name, table.version, table.state.value, table.relation.schema, table.relation.name, ()
    )
