"""The parser: goes through the marks once, each rule takes what it understands, the rest is unplaced. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from app.query.language.algebra.model import Aggregate, Compare, Empty, Field, aggregates_of
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing import absence, arithmetic, conditions, grouping, ordering, ratios, superlatives, turns
from app.query.language.parsing.against import more_than
from app.query.language.parsing.dates import unit_group, when_condition
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.parsing.measures import take_measure
from app.query.language.parsing.phrases.deeds import nobody
from app.query.language.parsing.phrases.firsts import nth
from app.query.language.parsing.phrases.ordinals import ordinal
from app.query.language.parsing.phrases.predicates import without_place
from app.query.language.parsing.phrases.spans import span
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import is_participle, lemma
from app.query.language.vocabulary.model import Kind

Rule = Callable[[State, int], int | None]

_RULES: Final[Mapping[Role, Rule]] = {
    Role.COUNT: take_measure,
    Role.AGGREGATE: take_measure,
    Role.EACH: grouping.group,
    Role.BY: grouping.group,
    Role.COMPARE: conditions.compare,
    Role.BETWEEN: conditions.between,
    Role.LIKE: conditions.like,
    Role.EMPTY: conditions.empty,
    Role.NOT: absence.negation,
    Role.WITHOUT: absence.without,
    Role.SUPERLATIVE: superlatives.superlative,
    Role.COMMON: superlatives.common,
    Role.TOP: superlatives.top,
    Role.ORDER: ordering.order,
    Role.DIRECTION: ordering.direction,
    Role.BOTH: absence.both,
    Role.RATIO: ratios.ratio,
    Role.PERCENT: ratios.percent,
    Role.UNIT: lambda state, place: _unit(state, place, state.marks[place]),
}
_KEEPS_PENDING: Final = frozenset(
    (Role.FILLER, Role.COMPARE, Role.LIKE, Role.BETWEEN, Role.EMPTY, Role.NOT, Role.PREPOSITION, Role.ORDER, Role.HAVE)
)
_REFUSED: Final = frozenset((Role.SAME, Role.ADVICE, Role.OUT_OF, Role.OR_MORE, Role.ARITHMETIC))
"""Words that change the meaning and that no rule reads where they stand."""
_MODES_BY: Final = frozenset(
    (
        "in", "at", "from", "on", "within", "into", "among", "amongst", "inside", "through", "via", "during", "near",
        "around", "in the", "at the", "from the", "on the",
    )
)  # fmt: skip


def read_marks(state: State) -> None:
    """Read all marks into the state; what no rule takes is in `unplaced`."""
    place, sentence = 0, True
    turned: Mark | None = None
    while (mark := state.peek(place)) is not None:
        if sentence:
            place = _begin(state, place)
            sentence = False
            continue
        if mark.kind is MarkKind.STOP:
            state.unplaced += [turned] if turned is not None and state.negated else []
            state.pending, state.either, state.joined_by_and, state.negated = None, False, False, False
            sentence = True
            place += 1
            continue
        after = _step(state, place, mark)
        if after is None:
            state.unplaced.append(mark)
            after = place + 1
        turned = mark if mark.role is Role.NOT else turned
        state.verb = _verbal(mark) or (state.verb and mark.role is Role.FILLER)
        place = max(after, place + 1) if after <= place else after
    state.unplaced += [turned] if turned is not None and state.negated else []


def _verbal(mark: Mark) -> bool:
    """Whether the mark is a verb, though it may be called like a column: references cited."""
    return mark.kind is MarkKind.VERB or (mark.kind is MarkKind.NOUN and is_participle(mark.text))


def _begin(state: State, place: int) -> int:
    """The place where the sentence really begins; a later one says what to show, or what else holds."""
    first = place == 0
    mark = state.peek(state.skip(place))
    if first and mark is not None and mark.text.lower() == "when":
        state.asks_when = True
        return state.skip(place) + 1
    if first or mark is None:
        return place
    state.mode = Mode.FILTER
    if mark.role in {Role.RETURN, Role.COUNT, Role.WHICH}:
        state.mode = Mode.RETURN
    return place


def _step(state: State, place: int, mark: Mark) -> int | None:
    after = arithmetic.take(state, place)
    if after is None and state.mode is Mode.HEAD and not state.measures:
        after = span(state, place)
    return _plain_step(state, place, mark) if after is None else after


def _plain_step(state: State, place: int, mark: Mark) -> int | None:
    """The place behind a mark that stands for itself."""
    if mark.kind is MarkKind.WORD and mark.role is not None:
        return _word(state, place, mark, mark.role)
    if mark.kind is MarkKind.COMMA:
        state.joined_by_and = bool(state.conditions)
        return place + 1
    if mark.kind is MarkKind.VERB:
        asked = state.focus is not None or state.measures or state.select
        if state.mode is Mode.HEAD and asked and not _asks_further(state, place):
            state.mode = Mode.FILTER
        absence.done(state, place, mark)
        return None if without_place(state, place, mark) else place + 1
    if mark.kind is MarkKind.UNKNOWN:
        return more_than(state, place) or nth(state, place) or nobody(state, place) or ordinal(state, place)
    rule = _KIND_RULES.get(mark.kind)
    return rule(state, place) if rule is not None else None


def _asks_further(state: State, place: int) -> bool:
    """Whether a measure or group follows the verb: `posted for each business`."""
    mark = state.peek(state.skip(place + 1))
    return mark is not None and mark.role in {Role.COUNT, Role.AGGREGATE, Role.EACH}


def _word(state: State, place: int, mark: Mark, role: Role) -> int | None:
    if role not in _KEEPS_PENDING:
        state.pending = None
    if role is Role.TOP and not ordering.is_top(state, place):
        return superlatives.first_or_last(state, place)
    if mark.text.lower() == "from" and (after := conditions.between(state, place)) is not None:
        return after  # prices from 10 to 20
    if role in {Role.SUPERLATIVE, Role.COMMON} and (after := turns.turn(state, place)) is not None:
        return after  # most used first
    rule = _RULES.get(role)
    if rule is not None:
        return rule(state, place)
    if role in _REFUSED:
        return None
    turn = _TURNS.get(role)
    if turn is not None:
        turn(state, place, mark)
    return place + 1


def _possessive(state: State, place: int) -> bool:
    """Whether what follows is said to be of what was named: their cities."""
    mark = state.peek(place)
    return mark is not None and mark.text.lower() in {"their", "its", "his", "her"}


def _clause(state: State, place: int, mark: Mark) -> None:
    """What follows holds of what was named: that, whose, with."""
    state.clause = state.clause or mark.role is Role.RELATIVE
    if mark.role is Role.HAVE and _possessive(state, place + 1) and state.entity is not None and not state.measures:
        state.mode, state.listed = Mode.RETURN, True  # customers with their emails
        return
    if state.focus is not None or state.select or state.measures:
        state.mode = Mode.FILTER


def _and(state: State, place: int, _mark: Mark) -> None:
    state.joined_by_and = True
    before = state.peek(place - 1)
    if before is not None and before.is_table and before.link.table == state.entity and _possessive(state, place + 1):
        state.listed, state.mode = True, Mode.RETURN  # customers and their cities
    following = state.peek(state.skip(place + 1))
    if state.entity and state.mode is Mode.FILTER and following is not None and _verbal(following):
        state.anchor = state.entity  # written by … and presented at …: of the same rows


def _or(state: State, _place: int, _mark: Mark) -> None:
    state.either = bool(state.conditions) or bool(state.absences and state.absences[-1].conditions)


def _distinct(state: State, _place: int, _mark: Mark) -> None:
    state.distinct = True


def _which(state: State, place: int, mark: Mark) -> None:
    if place > 0 and mark.text.lower() == "who" and state.focus:
        state.clause = True
    state.which = True
    state.asks_who = state.asks_who or (place == 0 and mark.text.lower() in {"who", "whom"})
    before = state.peek(place - 1)
    if before is not None and before.role is Role.AND and state.mode is Mode.FILTER and state.entity is not None:
        state.mode, state.listed = Mode.RETURN, True  # which product … and what is its supplier
        return
    if state.clause:
        _clause(state, place, mark)
    elif state.mode is Mode.FILTER and state.entity is None and not state.measures:
        state.mode = Mode.HEAD


def _return(state: State, place: int, _mark: Mark) -> None:
    if state.focus is not None and state.peek(state.skip(place + 1)) is not None:
        state.mode = Mode.RETURN


def _unit(state: State, place: int, mark: Mark) -> int | None:
    """A unit of time that stands alone: of a date beside it, or what is asked for: `which month`."""
    before, after = state.peek(place - 1), state.peek(state.skip(place + 1, Role.PREPOSITION))
    if any(each is not None and each.kind is MarkKind.WHEN for each in (before, after)):
        return place + 1
    said = mark.text.lower()
    if (state.mode is Mode.HEAD and state.which and state.focus is None) or said.endswith("ly"):
        found = unit_group(state, mark)
        if found is None:
            return None
        state.groups.append(found)
        return place + 1
    return None


def _preposition(state: State, place: int, mark: Mark) -> None:
    said = mark.text.lower()
    following = state.peek(state.skip(place + 1))
    if following is not None and following.role is Role.WHICH:
        return
    leading = state.focus is None and not state.select and not state.measures
    if (leading and said.startswith(("for", "in", "among", "from", "on"))) or (
        said in _MODES_BY and not leading and state.mode is Mode.HEAD
    ):
        state.mode = Mode.FILTER


def _noun(state: State, place: int) -> int | None:
    mark = state.marks[place]
    state.pending = None
    if mark.is_table:
        return _table(state, place, mark)
    field = field_of(state, mark)
    before = state.peek(place - 1)
    ranked = before is not None and before.role in {Role.SUPERLATIVE, Role.TOP}
    if is_participle(mark.text) and not ranked and _as_verb(state, place, field, before):
        return place + 1
    _name_owner(state, mark, field)
    after, beside = _beside(state, place)
    if beside is not None and beside.kind is MarkKind.VALUE:
        if _same(mark, beside) or _id_of(state, mark, beside):
            return after  # the city of Paris, category "Shoes": the value says it all
        if state.context.refers(field) == beside.link.table:
            return place + 1  # rivers traverse Texas: the column is how they are related
    if field.kind is Kind.BOOLEAN and (
        state.mode is Mode.FILTER or state.measures or _before_table(state, place) or _predicated(state, place)
    ):
        state.add(Compare(field, "=", not state.negated), place)
        return place + 1
    state.pending = (place, field)
    _place_column(state, place, field, beside)
    return place + 1


def _as_verb(state: State, place: int, field: Field, before: Mark | None) -> bool:
    """Whether the name of a column is a verb here: customers who joined, references cited."""
    if field.kind in {Kind.DATE, Kind.MOMENT}:
        state.pending = (place, field)
        asked = state.focus is not None or bool(state.measures)
        if asked and all(each.kind is not MarkKind.WHEN for each in state.marks) and not state.negated:
            state.add(Empty(field, negated=True), place)
            state.note(f"{state.marks[place].text}: {field.column} is not empty.", 0.05)
        return True
    behind = before is not None and before.kind is MarkKind.NOUN
    if behind:
        state.note(f"{state.marks[place].text!r} says no more than that they belong together.", 0.04)
    return behind


def _name_owner(state: State, mark: Mark, field: Field) -> None:
    """Take note of the table in `names of customers`, which is one mark."""
    free = state.entity is None and state.mode is Mode.HEAD and not state.measures
    said = " of " in mark.text.lower() and lemma(mark.text.split()[-1]) == state.context.index.words[field.table][-1]
    if free and said:
        state.touch(field.table)
        state.entity, state.entity_plural = field.table, mark.plural


def _beside(state: State, place: int) -> tuple[int, Mark | None]:
    """The mark that may say something of the noun before it, and its place."""
    after = state.skip(place + 1, Role.PREPOSITION)
    beside = state.peek(after)
    if beside is not None and beside.kind is MarkKind.VERB and beside.text.lower() in {"named", "called", "titled"}:
        after = state.skip(after + 1)
        beside = state.peek(after)
    if beside is not None and beside.role is Role.COMPARE and beside.detail == "=":
        after = state.skip(after + 1)
        beside = state.peek(after)
    return after, beside


def _place_column(state: State, place: int, field: Field, beside: Mark | None) -> None:
    """Show the column, or let it wait for what is said of it."""
    if state.mode is Mode.FILTER:
        if state.anchor is None or state.focus is None:
            state.touch(field.table, move=False)
        state.loose.append((place, field))
        return
    of_row = conditions.named_row(state, state.marks[place]) is not None  # the age of customer 30 is not 30
    said = beside is not None and _says(beside, field) and not of_row
    if not (said and state.entity is not None and state.mode is Mode.HEAD) and field not in state.select:
        state.select.append(field)


def _says(beside: Mark, field: Field) -> bool:
    """Whether what stands beside a column is a condition on it."""
    if beside.role in {Role.COMPARE, Role.BETWEEN} and beside.detail != "=":
        return field.kind is not Kind.TEXT
    return beside.role in {Role.COMPARE, Role.LIKE, Role.EMPTY} or beside.kind in {
        MarkKind.NUMBER,
        MarkKind.QUOTED,
        MarkKind.NAME,
    }


def _same(noun: Mark, value: Mark) -> bool:
    return (noun.link.table, noun.link.column) == (value.link.table, value.link.column)


def _id_of(state: State, noun: Mark, value: Mark) -> bool:
    """Whether a bare `ID` stands before the value of a column that is an identification."""
    if noun.text.lower() not in {"id", "identifier"}:
        return False
    return state.context.words(state.context.field(value.link.table, str(value.link.column)))[-1:] == ("id",)


def _predicated(state: State, place: int) -> bool:
    """Whether a form of `be` stands before: are active."""
    before = state.peek(place - 1)
    return state.focus is not None and before is not None and before.text.lower() in {"is", "are", "was", "were"}


def _before_table(state: State, place: int) -> bool:
    following = state.peek(place + 1)
    return following is not None and following.is_table


def _table(state: State, place: int, mark: Mark) -> int:
    table = mark.link.table
    if (state.focus is not None or state.asks_who) and is_participle(mark.text):
        state.touch(table, move=False)  # written by: the table of who wrote what is on the way
        return place + 1
    following = state.peek(place + 1)
    state.clause = False
    if (
        following is not None
        and following.kind is MarkKind.NOUN
        and not is_participle(following.text)
        and (following.is_table or following.link.table == table)
    ):
        state.touch(table)
        return place + 1
    of_measure = bool(state.measures) or any(aggregates_of(each.by) for each in state.order)
    if state.mode is Mode.HEAD and state.entity is None and not of_measure and not _counted(state, table):
        state.entity, state.entity_plural = table, mark.plural
        if state.focus is None or not state.select:
            state.focus = table
    elif state.mode is Mode.RETURN and table != state.entity:
        for field in state.context.entity(table):
            if field not in state.select:
                state.select.append(field)
    state.touch(table)
    return place + 1


def _counted(state: State, table: str) -> bool:
    return any(isinstance(each, Aggregate) and each.table == table for each in state.measures)


_KIND_RULES: Final[Mapping[MarkKind, Rule]] = {
    MarkKind.NOUN: _noun,
    MarkKind.VALUE: conditions.value_condition,
    MarkKind.WHEN: when_condition,
    MarkKind.NUMBER: conditions.number,
    MarkKind.QUOTED: conditions.named,
    MarkKind.NAME: conditions.named,
}
_TURNS: Final[Mapping[Role, Callable[[State, int, Mark], None]]] = {
    Role.RELATIVE: _clause,
    Role.HAVE: _clause,
    Role.PREPOSITION: _preposition,
    Role.AND: _and,
    Role.OR: _or,
    Role.DISTINCT: _distinct,
    Role.WHICH: _which,
    Role.RETURN: _return,
}
"""Words that turn what follows into something else, and that are nothing themselves."""
