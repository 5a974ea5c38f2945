"""Orders that are said without what they are of: newest first, alphabetically, from the richest down. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Bucket, CannotWriteError, Expression, Field, Order
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.parsing.ordering import order_by
from app.query.language.parsing.ranking import SPECIFIC, about, judges
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import stem
from app.query.language.vocabulary.model import Kind

_DATED: Final = frozenset(("newest", "latest", "recent", "oldest", "earliest", "chronological", "chronologically"))
_TURNS: Final = frozenset(("first", "down", "downwards", "up", "upwards", "on top"))
_DESCENDING: Final = frozenset(("desc", "late", "dear"))
_MOST_WORDS: Final = 4


def turn(state: State, place: int) -> int | None:
    """The place behind an order that is said by a superlative: most used first, from the richest down."""
    end = turn_at(state, place)
    if end is None:
        return None
    descending = state.marks[place].detail in _DESCENDING
    at = state.skip(place + 1, verbs=True)
    noun = state.peek(at)
    if at < end and noun is not None and (noun.is_column or noun.role in {Role.COUNT, Role.AGGREGATE}):
        state.descending = descending
        return None if order_by(state, at) is None else end + 1
    if at < end and noun is not None and noun.is_table:
        if state.entity is None and state.focus is None:
            state.entity, state.entity_plural = noun.link.table, noun.plural
        state.touch(noun.link.table)
    if state.order:
        state.order[-1] = Order(state.order[-1].by, descending)
    else:
        state.turned, state.descending = place, descending
    return end + 1


def turn_at(state: State, place: int) -> int | None:
    """The place of the word that makes an order of the superlative at a place: first, down, to the cheapest."""
    at = place + 1
    while (mark := state.peek(at)) is not None and at <= place + _MOST_WORDS:
        if mark.text.lower() in _TURNS:
            return at if _ends(state.peek(at + 1)) else None
        if mark.role is Role.TO and (other := state.peek(state.skip(at + 1))) is not None:
            return state.skip(at + 1) if other.role in {Role.SUPERLATIVE, Role.COMMON} else None
        if not (mark.kind in {MarkKind.NOUN, MarkKind.VERB} or mark.role in {Role.COUNT, Role.AGGREGATE, Role.FILLER}):
            return None
        at += 1
    return None


def _ends(mark: Mark | None) -> bool:
    """Whether nothing that belongs to the word before follows it."""
    return mark is None or mark.kind in {MarkKind.STOP, MarkKind.COMMA} or mark.role in {Role.FILLER, Role.AND}


def settle(state: State, groups: list[Expression]) -> None:
    """Order by what the last direction speaks of. Raises `CannotWriteError` where nothing fits."""
    if state.turned is None or state.order:
        return
    mark = state.marks[state.turned]
    found = _dated(state, mark, groups)
    plain = (each for each in (_named(state, mark, groups), _default(state, mark, groups)) if each is not None)
    found = found or _adjective(state, groups) or next(((each, False) for each in plain), None)
    if found is None:
        raise CannotWriteError("It is not said what the order is of.", mark.text)
    by, turned = found
    state.order.append(Order(by, bool(state.descending) != turned))


def _dated(state: State, mark: Mark, groups: list[Expression]) -> tuple[Expression, bool] | None:
    """The date of what is shown, or the period it is grouped by; ages go the other way."""
    said = set(mark.text.lower().split())
    if not said & _DATED:
        return None
    bucket = next((each for each in groups if isinstance(each, Bucket)), None)
    if bucket is not None:
        return bucket, False
    shown = [each for each in (*state.select, *groups) if isinstance(each, Field)]
    dates = [each for each in shown if each.kind in {Kind.DATE, Kind.MOMENT} or _is_year(state, each)]
    if len(dates) == 1:
        return dates[0], False
    table = state.entity or state.focus or (shown[0].table if shown else None)
    if table is None or state.measures or groups:
        raise CannotWriteError("Nothing says when.", mark.text)
    age = state.context.number_column(table, "age")
    if age is not None and said & {"oldest"}:
        return age, True
    found, doubtful = state.context.when(table, state.near_words(state.marks.index(mark)))
    if found is None:
        found = state.context.year(table)
    if found is None:
        raise CannotWriteError("Nothing says when.", mark.text)
    if doubtful:
        state.note(f"The date is that of {found.table}.{found.column}.", 0.1)
    return found, False


def _is_year(state: State, field: Field) -> bool:
    return field.kind is Kind.NUMBER and state.context.words(field)[-1:] == ("year",)


def _named(state: State, mark: Mark, groups: list[Expression]) -> Expression | None:
    """The number that is asked for: the last one, or the only quantity that is shown."""
    if "alphabet" in mark.text.lower():
        return None
    if state.measures:
        number = state.measures[-1]
        counts = isinstance(number, Aggregate) and number.of is None
        return None if counts and set(mark.text.lower().split()) & SPECIFIC else number
    if groups:
        return None
    quantities = [each for each in state.select if isinstance(each, Field) and state.context.is_quantity(each)]
    return quantities[0] if len(quantities) == 1 else None


def _adjective(state: State, groups: list[Expression]) -> tuple[Expression, bool] | None:
    """The column that the adjective of the direction is about: longest first."""
    table = state.entity or state.focus
    if state.turned is None or table is None or groups or state.measures or judges(state, state.turned):
        return None
    said = state.marks[state.turned]
    for word in said.text.lower().split():
        found = about(state, word, table)
        if found is not None:
            return found
    if set(said.text.lower().split()) & {"expensive", "dearest", "priciest", "costliest", "cheapest"}:
        price = state.context.price(table)
        return None if price is None else (price, False)
    return None


def _default(state: State, mark: Mark, groups: list[Expression]) -> Expression | None:
    """The names of what is shown, for the alphabet or where only up and down is said."""
    plain = stem(mark.text.lower().split()[-1]) in {stem("descending"), stem("ascending"), stem("order")}
    if "alphabet" not in mark.text.lower() and not plain and mark.text.lower() not in {"asc", "desc", "from a to z"}:
        return None
    texts = [each for each in (*state.select, *groups) if isinstance(each, Field) and each.kind is Kind.TEXT]
    if texts:
        return texts[0]
    table = state.entity or state.focus
    if table is None or groups or any(isinstance(each, Aggregate) for each in state.select):
        return state.select[0] if state.select else None
    return next(iter((*state.context.shown(table), *state.select)), None)
