"""What was done how often: `that nobody bought`, `never bought anything`, `ordered at least twice`. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Compare, Function
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import Absence, Mode, State
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import stem

ANYTHING: Final = frozenset(("anything", "something", "anybody", "anyone", "at all"))
"""Words behind what was not done that say no more."""
_NOBODY: Final = frozenset(("nobody", "none"))
_TIMES: Final = {"once": 1, "twice": 2}
_DEALS: Final = ("order", "purchase", "sale")
_CALLED: Final = {"buy": _DEALS, "bought": _DEALS, "purchased": _DEALS, "ordered": _DEALS, "sold": _DEALS}
"""What tables may be called that hold what these verbs say was done."""


def deed(state: State, anchor: str, said: Mark) -> str | None:
    """The table of what the verb says was done to, or by, rows of the anchor; None where several may be."""
    if said.is_table:
        return said.link.table if said.link.table != anchor else None
    word = said.text.lower()
    stems = {stem(each) for each in (word, *_CALLED.get(word, ()))}
    children = state.context.children(anchor)
    found = [each for each in children if stems & {stem(name) for name in state.context.index.words[each]}]
    if len(found) == 1:
        return found[0]
    return children[0] if len(children) == 1 and not found else None


def nobody(state: State, place: int) -> int | None:
    """The place behind `nobody bought`, `no one ordered`: there are no rows of what was done."""
    behind = place + 1
    if state.marks[place].text.lower() not in _NOBODY:
        return None
    at = state.skip(behind, Role.HAVE)
    verb, anchor = state.peek(at), state.entity or state.focus
    if verb is None or anchor is None or not (verb.kind is MarkKind.VERB or verb.is_table):
        return None
    return undone(state, at, anchor)


def undone(state: State, at: int, anchor: str) -> int | None:
    """The place behind a verb of which nothing was done, and behind what only repeats that."""
    table = deed(state, anchor, state.marks[at])
    if table is None:
        return None
    state.absences.append(Absence(anchor, table))
    state.mode, state.negated, state.anchor = Mode.FILTER, False, table
    if not state.marks[at].is_table:
        state.note(f"What was not {state.marks[at].text} has no rows in {table}.", 0.06)
    return behind_anything(state, at + 1)


def behind_anything(state: State, at: int) -> int:
    """The place behind `anything`, `anyone`."""
    mark = state.peek(at)
    return at + 1 if mark is not None and mark.text.lower() in ANYTHING else at


def behind_single(state: State, at: int) -> int:
    """The place behind `single`, `even one` before a table of which there is none: not a single order."""
    while (mark := state.peek(at)) is not None and (
        mark.text.lower() in {"single", "even"} or (mark.number == 1 and state.marks[at - 1].text.lower() == "even")
    ):
        at = state.skip(at + 1)
    return at


def times(state: State, place: int, at: int) -> int | None:
    """The place behind `ordered at least twice`, `visited more than 3 times`; None where no deed stands before."""
    number, unit = state.marks[at], state.peek(at + 1)
    said = number.text.lower() in _TIMES
    if number.number is None or not (said or (unit is not None and unit.text.lower() == "times")):
        return None
    before, anchor = state.peek(place - 1), state.entity
    if before is None or anchor is None or not (before.kind is MarkKind.VERB or before.is_table):
        return None
    table = deed(state, anchor, before)
    if table is None or state.negated:
        return None
    operator = state.marks[place].detail
    state.touch(table)
    if (operator, number.number) not in {(">=", 1), (">", 0)}:
        state.having.append(Compare(Aggregate(Function.COUNT, table), operator, number.number))
    state.mode = Mode.FILTER
    return at + 1 if said else at + 2
