"""What a comparison is about: what waits for one, what its verb or its currency says, or what rows cost. Pure."""

from app.query.language.algebra.model import Expression, Field
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.units import counted_in, unit_behind
from app.query.language.vocabulary.model import Kind

CURRENCIES = frozenset(("dollar", "dollars", "usd", "euro", "euros", "eur", "pounds", "gbp"))
_BARE = frozenset(("over", "above", "under", "below", "more than", "less than", "exceeding", "between", ">", "<"))
"""Comparisons that say nothing of what is compared."""


def field_of(state: State, mark: Mark) -> Field:
    """The field that a mark of a column or value is about."""
    return state.context.field(mark.link.table, str(mark.link.column))


def compared(state: State, place: int) -> Expression | None:
    """What the comparison is about: what waits for one, or what its own word says of the table named last."""
    waiting = state.pending[1] if state.pending is not None else None
    home = state.home()
    own = state.context.hinted(home, state.marks[place].text) if home is not None else None
    if own is not None and not isinstance(waiting, Field):
        return own
    measurable = not isinstance(waiting, Field) or waiting.kind is Kind.NUMBER
    if waiting is not None and measurable:
        return taken(state)
    return (
        own
        or by_verb(state, place, home)
        or _money(state, place, home)
        or _by_unit(state, place, home)
        or _worth(state, place)
    )


def _by_unit(state: State, place: int, home: str | None) -> Field | None:
    """The only column that is counted in the unit behind the number: flights over 1000 miles."""
    at = next((at for at in range(place, place + 4) if (mark := state.peek(at)) and mark.kind is MarkKind.NUMBER), None)
    unit = unit_behind(state.peek(at + 1)) if at is not None else None
    return counted_in(state, home, unit) if unit is not None and home is not None else None


def _worth(state: State, place: int) -> Field | None:
    """The column of what a row costs, where a number is all that is said of it: orders over 50."""
    noun, said = state.peek(place - 1), state.marks[place].text.lower()
    bare = noun is not None and noun.is_table and said in _BARE
    found = state.context.price(noun.link.table) if noun is not None and bare else None
    if found is not None:
        state.note(f"The number is that of {found.table}.{found.column}.", 0.1)
    return found


def _money(state: State, place: int, home: str | None) -> Field | None:
    """The column of what a row of the table costs, where the number is one of money: over 100 euros."""
    for at in range(place, place + 6):
        mark = state.peek(at)
        if mark is None or mark.kind is MarkKind.STOP:
            break
        if mark.text.lower() in CURRENCIES or "$" in mark.text:
            return state.context.price(home) if home is not None else None
    return None


def by_verb(state: State, place: int, home: str | None) -> Field | None:
    """The column that the verb before a comparison is about: who earn more than, that weigh at least."""
    verb = state.peek(place - 1)
    if verb is None or home is None or verb.kind is not MarkKind.VERB:
        return None
    return state.context.hinted(home, verb.text) or state.context.stemmed(home, verb.text)


def taken(state: State) -> Expression | None:
    """What was waiting for a comparison; it waits no more."""
    if state.pending is None:
        return None
    place, subject = state.pending
    state.pending = None
    state.loose = [each for each in state.loose if each[0] != place]
    if isinstance(subject, Field) and state.mode is Mode.HEAD and subject in state.select:
        state.select.remove(subject)
    return subject
