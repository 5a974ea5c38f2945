"""How many rows there are of a table: by counting them, or by a column that says how many each stands for. Pure."""

from app.query.language.algebra.model import Aggregate, Function
from app.query.language.parsing.state import State


def count_of(state: State, table: str, *, distinct: bool = False) -> Aggregate:
    """How many there are of a table's rows: by a column that says how many each stands for, else by counting."""
    tally = state.context.tally(table)
    if tally is None or distinct:
        return Aggregate(Function.COUNT, table)
    state.note(f"{tally.column} of {table} says how many: its numbers are added up.", 0.06)
    return Aggregate(Function.SUM, table, tally)
