"""Units behind numbers: whether the column that is compared can be counted in them, and which one is. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Expression, Field
from app.query.language.linking.marks import Mark
from app.query.language.parsing.known.state import State
from app.query.language.reading.stems import lemma, normalized

_CLASSES: Final = {
    "money": (
        "dollar usd euro eur pound gbp cent buck yen franc",
        """price cost amount fee fare rent salary wage revenue income value total budget balance pay payment spend sale
        tax discount profit credit debit limit charge expense bill invoice turnover margin earning bonus commission
        deposit donation fund funding premium refund money debt loan due worth freight paid spending""",
    ),
    "length": (
        "km kilometer kilometre mile meter metre foot feet ft cm centimeter inch mm yard",
        "distance length width height depth elevation altitude range mileage radius diameter size tall long wide dist",
    ),
    "time": (
        "second minute hour day week month year ms millisecond",
        "duration time length delay age runtime period tenure wait lag lead interval old long experience term",
    ),
    "weight": ("kg kilo kilogram pound gram lb ton tonne", "weight mass load capacity payload"),
    "data": ("mb gb tb kb megabyte gigabyte", "size storage usage data volume traffic allowance limit"),
    "score": ("point star", "rating score point star grade mark stars"),
}  # fmt: skip
"""By kind of quantity its units, and words of the names of columns that are counted in them."""

_UNITS: Final = {kind: frozenset(units.split()) for kind, (units, _) in _CLASSES.items()}
_WORDS: Final = {kind: frozenset(words.split()) for kind, (_, words) in _CLASSES.items()}


def kinds_of(unit: str) -> frozenset[str]:
    """The kinds of quantities that are counted in the unit: a pound is money, or a weight."""
    said = lemma(unit)
    return frozenset(kind for kind, units in _UNITS.items() if said in units or unit.lower() in units)


def fits(state: State, unit: str, subject: Expression) -> bool:
    """Whether what is compared is counted in the unit: by its name, its comment, or as the only quantity there is."""
    field = subject.of if isinstance(subject, Aggregate) else subject
    kinds = kinds_of(unit)
    if not isinstance(field, Field) or not kinds:
        return True
    said = _said_of(state, field)
    own = {kind for kind in _UNITS if said & _UNITS[kind]} or {kind for kind in _WORDS if said & _WORDS[kind]}
    if own:
        return bool(own & kinds)
    return state.context.is_quantity(field) and _only(state, field)


def counted_in(state: State, table: str, unit: str) -> Field | None:
    """The only quantity of the table that is counted in the unit by its name: `distance` of miles."""
    kinds = kinds_of(unit)
    found = [each for each in _quantities(state, table) if _said_of(state, each) & _all_words(kinds)]
    return found[0] if len(found) == 1 else None


def unit_behind(mark: Mark | None) -> str | None:
    """The unit that a mark behind a number is, if it is one."""
    return mark.text if mark is not None and kinds_of(mark.text) else None


def _all_words(kinds: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(_UNITS[kind] | _WORDS[kind] for kind in kinds)) if kinds else frozenset()


def _said_of(state: State, field: Field) -> frozenset[str]:
    """The words of the column's name and comment, in the singular."""
    column = state.context.tables[field.table].column(field.column)
    comment = normalized(column.description or "") if column is not None else ""
    return frozenset((*state.context.words(field), *(lemma(word) for word in comment.split())))


def _quantities(state: State, table: str) -> list[Field]:
    fields = [state.context.field(table, column.name) for column in state.context.tables[table].columns]
    return [each for each in fields if state.context.is_quantity(each)]


def _only(state: State, field: Field) -> bool:
    return _quantities(state, field.table) == [field]
