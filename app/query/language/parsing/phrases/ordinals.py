"""Numbers that their nouns say what they are of: `after the 80th minute`, `more than 30,000 people`. Pure."""

import re
from typing import Final

from app.query.language.algebra.model import Compare, Field
from app.query.language.linking.marks import MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.reading.lexicon import Role
from app.query.language.vocabulary.model import Kind

_ORDINAL: Final = re.compile(r"(\d{1,4})(?:st|nd|rd|th)")
_SIDES: Final = {"after": ">", "before": "<", "in": "=", "in the": "=", "until": "<=", "since": ">="}


def ordinal(state: State, place: int) -> int | None:
    """The place behind `after the 80th minute`, `80th minute`, where the noun is a column of numbers."""
    side, at = state.marks[place].text.lower(), place
    if side in _SIDES:
        at = state.skip(place + 1, Role.PREPOSITION)
    said, noun = state.peek(at), state.peek(at + 1)
    found = _ORDINAL.fullmatch(said.text.lower()) if said is not None else None
    if found is None or noun is None or not noun.is_column or noun.plural or state.negated:
        return None
    before = state.peek(place - 1)
    if at == place and (before is None or before.role is not Role.PREPOSITION):
        return None
    field = field_of(state, noun)
    if field.kind is not Kind.NUMBER or state.context.is_reference(field):
        return None
    state.add(Compare(field, _SIDES[side] if at > place else "=", int(found[1])), place)
    state.touch(field.table, move=False)
    return at + 2


PEOPLE: Final = {
    "people": ("population", "capacity", "attendance"), "inhabitants": ("population",), "residents": ("population",),
    "citizens": ("population",), "seats": ("capacity",), "spectators": ("attendance", "capacity"),
    "fans": ("attendance", "capacity"),
}  # fmt: skip
"""What the number of a row's people or seats may be called."""


def of_people(state: State, place: int, home: str | None) -> Field | None:
    """The only column of the table of what the noun behind the number counts: people, seats."""
    for mark in state.marks[place : place + 4] if home is not None else ():
        if mark.kind is MarkKind.UNKNOWN and mark.text.lower() in PEOPLE:
            columns = (state.context.number_column(str(home), each) for each in PEOPLE[mark.text.lower()])
            found = [each for each in columns if each is not None]
            return found[0] if len(found) == 1 else None
    return None
