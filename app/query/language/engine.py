"""The way in: a question and a vocabulary to an interpretation with its SQL, or to a refusal. Pure.

Every choice of meanings is read to the end; the one that holds together best wins, others become alternatives. A word
that might mean something and has no place refuses the question, and so does a reading that is too doubtful.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.query.language.algebra.model import CannotWriteError, Query
from app.query.language.algebra.paths import JoinGraph
from app.query.language.algebra.plan import Planner
from app.query.language.algebra.writing import Writer
from app.query.language.confidence import calibrated
from app.query.language.explaining import linked, meanings
from app.query.language.linking.links import Linker
from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.linking.schema_index import SchemaIndex
from app.query.language.outcome import Alternative, Interpretation, Refusal
from app.query.language.parsing.choices import Choice, choices
from app.query.language.parsing.finishing import finish, leftover
from app.query.language.parsing.known.context import Context
from app.query.language.parsing.known.state import State
from app.query.language.parsing.parser import read_marks
from app.query.language.parsing.phrases.used import check_used
from app.query.language.reading.dates import dates_in
from app.query.language.reading.statements import asks_for_change, is_statement
from app.query.language.reading.tokens import LONGEST, tokens_of
from app.query.language.suggestions import MOST, nearest_questions, respelt
from app.query.language.vocabulary.model import Vocabulary
from app.query.language.vocabulary.terms import spelt_out, undotted, without_manners

LEAST: Final = 0.5
"""Confidence below which a reading is no answer."""
_ALTERNATIVES: Final = 4
_EQUAL: Final = 0.02
"""Difference of worth below which two readings are as likely."""
_PART, _WHOLE = 0.8, 0.95
"""Worths of a column by a part of its name, and by all of it."""
_WRITTEN: Final = 6
"""Readings that are written as SQL; the others are far behind."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A choice of meanings, read to the end."""

    choice: Choice
    state: State
    query: Query | None
    sql: str | None
    worth: float
    fault: str | None
    notes: tuple[str, ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = ()
    by: str = ""
    """The columns of the way that was taken where several are as short."""


class Engine:
    """A vocabulary, made ready to read questions: keep it as long as the vocabulary."""

    def __init__(self, vocabulary: Vocabulary, index: SchemaIndex | None = None) -> None:
        """Takes the phrases of the same tables, if they are known."""
        self._vocabulary = vocabulary
        self._index = SchemaIndex(vocabulary) if index is None else index.told(vocabulary)
        self._linker = Linker(self._index)
        self._graph = JoinGraph(vocabulary)
        self._context = Context(vocabulary, self._index, self._graph)

    def told(self, vocabulary: Vocabulary) -> "Engine":
        """An engine of the same tables, with other terms, joins and values at another time."""
        return Engine(vocabulary, self._index)

    def interpret(self, question: str) -> Interpretation | Refusal:
        """The question as SQL, or why not."""
        if is_statement(question, self._context.tables):
            return Refusal("This is a statement in SQL: send it as `sql`, not as `query`.", (), (), (), advice="")
        if asks_for_change(question):
            return Refusal("This asks to change something: a question only reads.", (), (), (), advice="")
        found = self._interpreted(question)
        if (
            isinstance(found, Refusal)
            and found.respelt
            and isinstance(self._interpreted(found.respelt), Interpretation)
        ):
            return replace(found, nearest=(found.respelt, *found.nearest)[:MOST])
        return found

    def _interpreted(self, question: str) -> Interpretation | Refusal:
        """The question as it is spelt, or why not."""
        if len(question) > LONGEST:
            return Refusal(f"The question has more than {LONGEST} characters.", (), (), ())
        text, terms = spelt_out(without_manners(question), self._vocabulary.glossary, self._index.is_name)
        if len(text) > LONGEST:
            return Refusal(f"With its terms spelt out the question has more than {LONGEST} characters.", (), (), ())
        text = undotted(text, self._index.tables)
        today = self._vocabulary.now.astimezone(self._vocabulary.zone).date()
        tokens = tokens_of(text)
        marks = self._linker.marks(tokens, dates_in(text, today))
        if not any(mark.links for mark in marks):
            return self._refusal("No table or column is named.", text, marks, [])
        words = [token.lower for token in tokens]
        readings = sorted((self._read(choice) for choice in choices(marks)), key=lambda each: -each.worth)
        readings = sorted(self._written(readings, words), key=lambda each: -each.worth)
        whole = _different([each for each in readings if each.sql is not None])
        if not whole:
            best = readings[0]
            return self._refusal(best.fault or "Words are left over.", text, marks, leftover(best.state))
        return self._outcome(marks, whole, terms)

    def _read(self, choice: Choice) -> _Reading:
        """The choice, read to the query."""
        state = State(self._context, choice.marks, read_marks)
        try:
            read_marks(state)
            query = finish(state)
            check_used(state, query)
        except CannotWriteError as error:
            return _Reading(choice, state, None, None, choice.worth - 5, error.reason)
        if left := leftover(state):
            return _Reading(choice, state, query, None, choice.worth - 3 - len(left), None)
        return _Reading(choice, state, query, None, choice.worth - state.doubts, None)

    def _written(self, readings: Sequence[_Reading], words: Sequence[str]) -> list[_Reading]:
        """The readings; those that are whole with their SQL, as many as can matter."""
        found: list[_Reading] = []
        seen: list[Query] = []
        for each in readings:
            whole = each.query is not None and each.fault is None and not each.state.unplaced
            if not whole or each.query is None or len(seen) >= _WRITTEN or each.query in seen:
                found += [] if whole else [each]
                continue
            seen.append(each.query)
            found += self._ways(each, each.query, words)
        return found

    def _ways(self, reading: _Reading, query: Query, words: Sequence[str]) -> list[_Reading]:
        """The reading with its SQL; where tables are related in several ways, once for each."""
        ways, found = 1, list[_Reading]()
        while len(found) < min(ways, _ALTERNATIVES):
            planner = Planner(self._vocabulary, self._graph, words, len(found))
            found.append(self._write(reading, query, planner))
            ways = planner.ways
        return found

    def _write(self, reading: _Reading, query: Query, planner: Planner) -> _Reading:
        choice, state = reading.choice, reading.state
        writer = Writer(self._vocabulary, planner)
        try:
            sql = writer.write(query)
        except CannotWriteError as error:
            return _Reading(choice, state, query, None, choice.worth - 2, error.reason)
        plan = writer.plan
        notes = tuple(dict.fromkeys((*state.notes, *(plan.notes if plan else ()))))
        joins = len(plan.tree.steps) if plan else 0
        for table in planner.detours:
            state.note(f"The way leads over {table}, which nobody mentioned.", 0.3)
        for table in planner.junctions:
            state.note(f"The way leads over {table}.", 0.08)
        notes = tuple(dict.fromkeys((*state.notes, *notes)))
        worth = choice.worth - state.doubts - 0.06 * joins - 0.4 * len(planner.ambiguous)
        by = "; ".join(planner.taken)
        return _Reading(choice, state, query, sql, worth, None, notes, tuple(planner.ambiguous), by)

    def _outcome(
        self, marks: Sequence[Mark], whole: Sequence[_Reading], terms: Sequence[str]
    ) -> Interpretation | Refusal:
        best = whole[0]
        rival = best.worth - whole[1].worth if len(whole) > 1 else None
        _doubt_parts(best, marks)
        confidence = calibrated(best.choice.marks, best.state, best.query, best.ambiguous, rival)
        alternatives = tuple(
            Alternative(str(each.sql), _difference(best, each), round(confidence * 0.5, 2))
            for each in whole[1 : _ALTERNATIVES + 1]
        )
        assumptions = (*terms, *best.notes, *_ambiguities(best))
        tied = self._tie(best, whole[1]) if len(whole) > 1 else ""
        if confidence < LEAST or best.query is None or best.ambiguous or tied:
            reason = " ".join(_ambiguities(best)) or tied or "Several readings are as likely."
            mine = Alternative(str(best.sql), best.by or "the likeliest reading", confidence)
            return Refusal(
                reason, meanings(best.choice.marks), (), nearest_questions(self._context, best.choice.marks),
                (mine, *alternatives),
            )  # fmt: skip
        return Interpretation(
            str(best.sql), best.query, meanings(best.choice.marks), assumptions, _idle(marks), alternatives, confidence
        )

    def _tie(self, best: _Reading, other: _Reading) -> str:
        """What a word may mean in another reading that is as likely, where that is another column."""
        if best.worth - other.worth >= _EQUAL:
            return ""
        for one, two in zip(best.choice.marks, other.choice.marks, strict=True):
            if one.links and two.links and self._differ(one.link, two.link):
                return f"{one.text!r} may mean {linked(one.link)} or {linked(two.link)}: say which."
        return ""

    def _differ(self, one: Link, other: Link) -> bool:
        """Whether the links mean two columns, of one table or of two that no accepted join makes the same."""
        if one.column is None or other.column is None or one == other:
            return False
        if one.table == other.table:
            return one.column != other.column and one.value is None and other.value is None
        steps = (step for step in self._graph.steps(one.table) if step.target == other.table)
        return all((one.column, other.column) not in step.pairs for step in steps)

    def _refusal(self, reason: str, text: str, marks: Sequence[Mark], left: Sequence[Mark]) -> Refusal:
        unknown = [mark.text for mark in marks if mark.kind in {MarkKind.UNKNOWN, MarkKind.NAME}]
        words = tuple(dict.fromkeys((*(mark.text for mark in left), *unknown)))
        if words:
            shown = ", ".join(repr(word) for word in words[:6])
            reason = (
                f"{reason} Not understood here: {shown}." if "left over" not in reason else f"Not understood: {shown}."
            )
        understood = tuple(each for each in meanings(marks) if each.words not in words)
        nearest, near = nearest_questions(self._context, marks), respelt(self._context, text, marks)
        return Refusal(reason, understood, words, nearest, respelt=near)


def interpret(question: str, vocabulary: Vocabulary) -> Interpretation | Refusal:
    """The question as SQL, or why not. Whoever asks often keeps an `Engine`."""
    return Engine(vocabulary).interpret(question)


def _idle(marks: Sequence[Mark]) -> tuple[str, ...]:
    """Verbs that only said that two things belong together."""
    return tuple(dict.fromkeys(mark.text for mark in marks if mark.kind is MarkKind.VERB))


def _doubt_parts(best: _Reading, marks: Sequence[Mark]) -> None:
    """Doubt a column of which only a part is named where another table has one of that very name."""
    for mark, chosen in zip(marks, best.choice.marks, strict=True):
        if not chosen.is_column or chosen.link.worth >= _PART:
            continue
        whole = [link for link in mark.links if link.column and link.value is None and link.worth >= _WHOLE]
        if any(link.table != chosen.link.table for link in whole):
            best.state.note(f"{chosen.text!r} is {linked(chosen.link)}, and not {linked(whole[0])}.", 0.25)


def _different(readings: Sequence[_Reading]) -> list[_Reading]:
    """The readings with different SQL, the best of each."""
    found: dict[str, _Reading] = {}
    for each in readings:
        found.setdefault(str(each.sql), each)
    return list(found.values())


def _difference(best: _Reading, other: _Reading) -> str:
    parts = []
    for one, two in zip(best.choice.marks, other.choice.marks, strict=True):
        if one.links and two.links and one.link != two.link:
            parts.append(f"{two.text!r} means {linked(two.link)}")
    parts += [other.by] if other.by and other.by != best.by else []
    return "; ".join(parts) or "another way to join"


def _ambiguities(reading: _Reading) -> tuple[str, ...]:
    return tuple(
        f"{one} and {other} are related in several ways: say which is meant." for one, other in reading.ambiguous
    )
