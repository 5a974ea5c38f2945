"""What is not, and what is twice: `without orders`, `not active`, `have never ordered`, `both A and B`. Pure."""

from typing import Final

from app.query.language.algebra.model import Compare, Empty, Related
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.conditions import condition_of
from app.query.language.parsing.known.state import Absence, Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.parsing.phrases.deeds import ANYTHING, behind_anything, behind_single, undone
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import is_participle
from app.query.language.vocabulary.model import Kind

_DOES: Final = frozenset(("have", "has", "had", "do", "does", "did", "never"))


def both(state: State, place: int) -> int | None:
    """The place behind `both the Spade and the Kettle`: for each of them there is a row that the asked ones have."""
    first_at = _value_at(state, place + 1)
    joint = state.skip(first_at + 1) if first_at is not None else place
    if first_at is None or state.marks[joint : joint + 1] == [] or state.marks[joint].role is not Role.AND:
        return None
    second_at = _value_at(state, joint + 1)
    anchor = state.entity or state.focus
    if second_at is None or anchor is None:
        return None
    links = [state.marks[first_at].link, state.marks[second_at].link]
    table = links[0].table
    same = (table, links[0].column) == (links[1].table, links[1].column) and links[0].value != links[1].value
    if not same or table == anchor or state.negated:
        return None
    if not state.context.graph.meets_several(anchor, table):
        return None
    for link in links:
        state.conditions.append(Related(anchor, table, (condition_of(state, link, negated=False),)))
        state.condition_marks.append(place)
    state.note(f"Each of the two {links[0].column} for itself, in any rows of {table}.", 0.04)
    state.mode = Mode.FILTER
    return second_at + 1


def _value_at(state: State, place: int) -> int | None:
    """The place of a value, behind the name of its column or table where that is said."""
    at = state.skip(place, Role.PREPOSITION)
    mark = state.peek(at)
    if mark is not None and mark.kind is MarkKind.NOUN:
        at = state.skip(at + 1)
        noun, mark = mark, state.peek(at)
        if mark is not None and mark.kind is MarkKind.VALUE and mark.link.table != noun.link.table:
            return None
    return at if mark is not None and mark.kind is MarkKind.VALUE else None


def without(state: State, place: int) -> int | None:
    """The place behind `without orders`, `have no email`."""
    at = behind_single(state, state.skip(place + 1, Role.PREPOSITION, Role.AGGREGATE, verbs=True))
    if state.marks[place].text.lower() == "no" and (one := state.peek(at)) is not None and one.text.lower() == "one":
        following = state.peek(state.skip(at + 1, Role.HAVE))
        anchor = state.entity or state.focus
        done = following is not None and (following.kind is MarkKind.VERB or following.is_table)
        return undone(state, state.skip(at + 1, Role.HAVE), anchor) if done and anchor else None
    values = []
    mark = state.peek(at)
    while mark is not None and mark.kind is MarkKind.VALUE:
        values.append(at)
        at = state.skip(at + 1)
        mark = state.peek(at)
    if values and (mark is None or not mark.is_table):
        return _without_flags(state, values)
    if mark is None:
        return None
    if mark.is_table:
        return _absent(state, at, values)
    if mark.is_column and not values:
        field = field_of(state, mark)
        target = state.context.refers(field)
        if target is not None and state.focus == field.table:
            state.note(f"Without {mark.text}: {field.column} is empty.", 0.03)
        state.mode = Mode.FILTER
        state.add(Empty(field), place)
        return at + 1
    return None


def _without_flags(state: State, values: list[int]) -> int | None:
    """The place behind `without a pool`, where a flag of what is asked about says that there is one."""
    links = [state.marks[each].link for each in values]
    if any(link.table != state.home() or not link.evidence.startswith("a flag") for link in links):
        return None
    state.mode = Mode.FILTER
    for place, link in zip(values, links, strict=True):
        state.add(condition_of(state, link, negated=True), place)
    return values[-1] + 1


def _absent(state: State, at: int, values: list[int]) -> int | None:
    table = state.marks[at].link.table
    anchor = state.entity or state.focus
    if anchor is None or anchor == table:
        return None
    absence = Absence(anchor, table)
    absence.conditions += [condition_of(state, state.marks[each].link, negated=False) for each in values]
    state.absences.append(absence)
    state.mode, state.negated = Mode.FILTER, False
    state.anchor = table
    return at + 1


def negation(state: State, place: int) -> int | None:
    """The place behind `not`: what follows is absent, or holds the other way round."""
    first = state.skip(place + 1, Role.HAVE, Role.PREPOSITION, Role.RETURN, verbs=True)
    at = behind_single(state, first)
    mark = state.peek(at)
    if mark is None or mark.kind is MarkKind.STOP:
        return _undone(state, place, at) or _never(state, place, at)
    if mark.text.lower() in ANYTHING:
        return _never(state, place, at)
    if _is_absent(state, place, at) or (at > first and mark.is_table):
        after = _absent(state, at, [])
        return after if after is None else behind_anything(state, after)
    if mark.is_column and _is_told_off(state, place, at):
        return at + 1
    turned = mark.kind is MarkKind.VALUE or mark.role in {Role.LIKE, Role.COMPARE, Role.EMPTY}
    if not turned and not (mark.is_column and (state.mode is Mode.FILTER or _says_value(state, at))):
        return None
    state.negated, state.mode = True, Mode.FILTER
    return at


def done(state: State, place: int, mark: Mark) -> None:
    """Ask for rows of which a date says that it was done: loans that were returned."""
    home = state.home()
    last = state.peek(state.skip(place + 1))
    ends = last is None or last.kind is MarkKind.STOP
    if (
        home is None
        or not ends
        or not is_participle(mark.text)
        or any(each.kind is MarkKind.WHEN for each in state.marks)
    ):
        return
    field = state.context.moment_of(home, mark.text)
    if field is not None:
        state.add(Empty(field, negated=True), place)
        state.note(f"{mark.text}: {field.column} is not empty.", 0.05)


def _undone(state: State, place: int, at: int) -> int | None:
    """The place behind `have not been returned`, where a date says when that was done."""
    verb, home = state.peek(at - 1), state.home()
    if verb is None or home is None or verb.kind is not MarkKind.VERB:
        return None
    field = state.context.moment_of(home, verb.text)
    if field is None:
        return None
    state.add(Empty(field), place)
    state.note(f"Not {verb.text}: {field.column} is empty.", 0.04)
    return at


def _never(state: State, place: int, at: int) -> int | None:
    """The place behind `have never bought anything`, where a table is called like what was never done."""
    verb, anchor = state.peek(at - 1), state.entity or state.focus
    if verb is None or anchor is None or verb.kind is not MarkKind.VERB or not _does(state, place):
        return None
    return undone(state, at - 1, anchor)


def _does(state: State, place: int) -> bool:
    """Whether the negation is of doing something, and not of being something: do not, who have not."""
    said, before = state.marks[place].text.lower(), state.peek(place - 1)
    led = before is not None and before.role in {Role.RELATIVE, Role.HAVE}
    words = [*(before.text.lower().split()[-1:] if led and before else ()), *said.split()]
    return "n't" in said or any(word in _DOES for word in words)


def _is_told_off(state: State, place: int, at: int) -> bool:
    """Whether the column alone says it: not active, not shipped; a condition is added then."""
    mark, field = state.marks[at], field_of(state, state.marks[at])
    if field.kind is Kind.BOOLEAN:
        no = False
        state.add(Compare(field, "=", no), place)
        return True
    if not is_participle(mark.text) or field.kind not in {Kind.DATE, Kind.MOMENT} or _is_dated(state, at):
        return False
    state.add(Empty(field), place)
    state.note(f"Not {mark.text}: {field.column} is empty.", 0.03)
    return True


def _says_value(state: State, at: int) -> bool:
    """Whether a value of the same column follows: not in the category Garden."""
    noun, said = state.marks[at], state.peek(state.skip(at + 1, Role.PREPOSITION))
    return said is not None and said.kind is MarkKind.VALUE and \
        (said.link.table, said.link.column) == (noun.link.table, noun.link.column)  # fmt: skip


def _is_dated(state: State, place: int) -> bool:
    """Whether a date, or a comparison, follows before the sentence ends: not shipped in March."""
    for mark in state.marks[place + 1 :]:
        if mark.kind is MarkKind.STOP:
            break
        if mark.kind is MarkKind.WHEN or mark.role in {Role.COMPARE, Role.BETWEEN, Role.EMPTY}:
            return True
    return False


def _is_absent(state: State, place: int, at: int) -> bool:
    """Whether `not` means that there are no rows: have not ordered, are not part of a team."""
    mark = state.marks[at]
    does = _does(state, place)
    verb = any(each.kind is MarkKind.VERB for each in state.marks[place:at])
    if mark.is_table:
        return does or verb
    others = mark.is_column and mark.link.table not in {state.entity, state.focus}
    return does and others and is_participle(mark.text)
