"""How many rows there are of a table: by counting them, or by a column that says how many each stands for. Pure."""

from app.query.language.algebra.model import Aggregate, Function
from app.query.language.linking.marks import MarkKind
from app.query.language.parsing.state import State
from app.query.language.reading.stems import is_plural, lemma, normalized


def count_of(state: State, table: str, *, distinct: bool = False) -> Aggregate:
    """How many there are of a table's rows: by a column that says how many each stands for, else by counting."""
    tally = state.context.tally(table)
    if tally is None or distinct:
        return Aggregate(Function.COUNT, table)
    state.note(f"{tally.column} of {table} says how many: its numbers are added up.", 0.06)
    return Aggregate(Function.SUM, table, tally)


def calls_rows(state: State, place: int) -> bool:
    """Whether a value is the noun for the rows that have it: tankers, singles; not `delayed` for delay."""
    mark = state.marks[place]
    if mark.kind is not MarkKind.VALUE or mark.link.part:
        return False
    said, value = (normalized(text).split() for text in (mark.text, mark.link.value or ""))
    return said == value or [lemma(word) for word in said] == [lemma(word) for word in value]


def called_by_value(state: State, values: tuple[int, ...]) -> str | None:
    """The table of rows that are called by a value alone, in the plural: how many tankers, how many singles."""
    if not values or not calls_rows(state, values[-1]):
        return None
    last = state.marks[values[-1]]
    return last.link.table if is_plural(last.text) else None
