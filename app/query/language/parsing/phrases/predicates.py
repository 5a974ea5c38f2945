"""Verbs that say what became of something: they must have a place, or the question says more than is read. Pure."""

from typing import Final

from app.query.language.algebra.model import Field
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.linking.shortening import named_by
from app.query.language.linking.synonyms import LIKE_WORDS
from app.query.language.parsing.known.state import State
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import is_participle, lemma, stem
from app.query.language.vocabulary.model import Kind

_BECAME: Final = frozenset(
    """
    delivered shipped returned paid completed processed opened closed refunded charged billed redeemed released
    published filled handled tested reviewed built born died hired signed manufactured founded joined registered
    updated finished started ended graduated diagnosed treated sold lent
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
"""Verbs that name a state or an event of their own; of others, like `placed`, a row is the event itself."""
_BEGAN: Final = frozenset(
    """
    published released built born founded hired signed manufactured opened registered joined started reviewed treated
    diagnosed tested sold delivered shipped billed charged completed
    """.split()  # noqa: SIM905 - likewise
)
"""Those of which the only date that is known of a row is likely to speak."""
_BE: Final = frozenset(("is", "are", "was", "were", "be", "been", "being", "got", "get"))
_OBJECTS: Final = frozenset((MarkKind.NOUN, MarkKind.VALUE, MarkKind.NAME, MarkKind.QUOTED))
_LEADS: Final = frozenset((Role.PREPOSITION, Role.BY, Role.TO))


def without_place(state: State, place: int, mark: Mark) -> bool:
    """Whether the verb is all that is said of the rows, and no column says it: how many orders were refunded."""
    home = state.home()
    if home is None or not says_what_became(mark) or not _predicated(state, place) or _has_object(state, place):
        return False
    own = {stem(word) for word in state.context.index.words[home]}
    known = state.context.moment_of(home, mark.text) or state.context.stemmed(home, mark.text)
    return known is None and stem(mark.text) not in own and not _dated_by(state, home, mark.text)


def says_what_became(mark: Mark) -> bool:
    """Whether the mark is a verb of a state or an event of its own."""
    said = mark.text.lower()
    unknown = mark.detail == "unknown" and is_participle(said) and not said.endswith("ing")
    return mark.kind is MarkKind.VERB and (unknown or said in _BECAME)


def dates_of(state: State, table: str) -> list[Field]:
    """The columns of the table that may say when: of dates, and of years as numbers."""
    fields = [state.context.field(table, column.name) for column in state.context.tables[table].columns]
    return [each for each in fields if each.kind in {Kind.DATE, Kind.MOMENT} or _is_year(state, each)]


def names_event(state: State, field: Field, verb: str) -> bool:
    """Whether the column is called like the verb, or like a word that means the same: `hire_dt` of hired."""
    words = state.context.words(field)
    stems = {stem(word) for word in (verb, *LIKE_WORDS.get(lemma(verb), ()))}
    return bool(stems & {stem(word) for word in words}) or any(named_by(word, verb.lower()) for word in words)


def _is_year(state: State, field: Field) -> bool:
    return field.kind is Kind.NUMBER and "year" in state.context.words(field)


def _dated_by(state: State, table: str, verb: str) -> bool:
    """Whether a date is said, and a column of dates is called like the verb, or is the only one that can be meant."""
    dated = any(each.kind is MarkKind.WHEN for each in state.marks)
    dates = dates_of(state, table)
    only = len(dates) == 1 and verb.lower() in _BEGAN
    return dated and (only or any(names_event(state, each, verb) for each in dates))


def _predicated(state: State, place: int) -> bool:
    before = state.peek(place - 1)
    return before is not None and before.text.lower().split()[-1] in _BE


def _has_object(state: State, place: int) -> bool:
    """Whether what follows says by whom, of what or how much: then the verb only hangs both together."""
    at = state.skip(place + 1)
    following = state.peek(at)
    while following is not None and following.role in _LEADS:
        at = state.skip(at + 1)
        following = state.peek(at)
    if following is None:
        return False
    return following.kind in _OBJECTS or following.role in {Role.COMPARE, Role.BETWEEN, Role.NOT}
