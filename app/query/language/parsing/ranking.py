"""What rows are ranked by: numbers of which each has several, and what superlatives speak of as adjectives. Pure.

The longest track has the greatest length: which columns an adjective may mean is English in general.
"""

from collections.abc import Mapping
from typing import Final

from app.query.language.algebra.model import Aggregate, Duration, Expression, Field, Function
from app.query.language.parsing.known.state import State
from app.query.language.vocabulary.model import Kind

_LONG, _HIGH = ("length", "duration", "distance", "runtime"), ("height", "elevation", "altitude")
_SIZES: Final = ("area", "size", "population", "capacity", "length", "height", "elevation", "volume")
_WORTH: Final = ("value", "worth", "price")
_RICH: Final = ("wealth", "worth", "value", "income", "salary", "budget", "revenue", "gdp")
_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "longest": _LONG, "shortest": (*_LONG, "height"), "tallest": _HIGH, "highest": _HIGH, "lowest": _HIGH,
    "heaviest": ("weight", "mass"), "lightest": ("weight", "mass"), "fastest": ("speed",), "slowest": ("speed",),
    "deepest": ("depth",), "widest": ("width",), "narrowest": ("width",), "hottest": ("temperature",),
    "warmest": ("temperature",), "coldest": ("temperature",), "coolest": ("temperature",),
    "closest": ("distance",), "nearest": ("distance",), "farthest": ("distance",), "furthest": ("distance",),
    "richest": _RICH, "wealthiest": _RICH, "poorest": _RICH, "valuable": _WORTH, "profitable": ("profit", "margin"),
    "populous": ("population",), "crowded": ("attendance", "occupancy"), "largest": _SIZES, "biggest": _SIZES,
    "smallest": _SIZES,
}  # fmt: skip
"""By the last word of a superlative the names of the columns that say how much of that a row has."""
SIZED: Final = frozenset(("largest", "biggest", "smallest"))
"""Superlatives that say of nothing in particular that there is much of it."""
_TIMES: Final = frozenset(("fastest", "slowest"))
"""Superlatives that may speak of a time: who is the fastest took the least of it."""
SPECIFIC: Final = frozenset(_OF) - SIZED - {"highest", "lowest"}
"""Superlatives that speak of one thing, and never of how many there are."""
_GOOD: Final = frozenset(("rating", "score", "grade", "gpa", "points", "star", "rank", "satisfaction", "quality"))
_BAD: Final = frozenset(("delay", "loss", "error", "damage", "defect", "fault", "debt", "death", "downtime", "latency"))
"""Words of columns of which much is good, and of which much is bad; of any other nothing is the best."""
_JUDGING: Final = frozenset(("best", "worst"))


def added_up(state: State, by: Expression) -> Expression:
    """The sum of a quantity of which each of the ranked rows has several: top customers by amount of their orders."""
    shown = next((each.table for each in state.select if isinstance(each, Field)), None)
    entity = state.entity or state.focus or shown
    if not state.wants_order or entity is None or not isinstance(by, Field) or not state.context.is_quantity(by):
        return by
    if not (_of_categories(state) or state.context.graph.meets_several(entity, by.table)):
        return by
    state.note(f"{by.column} is added up for each of {entity}.", 0.05)
    return Aggregate(Function.SUM, by.table, by)


def _of_categories(state: State) -> bool:
    """Whether only columns are ranked that do not say which row they are of: statuses, cities of customers."""
    shown = [each for each in state.select if isinstance(each, Field)]
    return (
        state.entity is None
        and bool(shown)
        and len(shown) == len(state.select)
        and all(each.kind is Kind.TEXT and not names_row(state, each) for each in shown)
        and not any(each in state.context.shown(each.table) for each in shown)
    )


def names_row(state: State, field: Field) -> bool:
    """Whether the values of the field say which row they are of."""
    found = state.context.tables[field.table].column(field.column)
    rows = state.context.tables[field.table].rows
    return found is not None and found.unique and (rows is None or rows > 1)


def judges(state: State, place: int) -> bool:
    """Whether the superlative says only good or bad, and not more or less."""
    return state.marks[place].text.lower().split()[-1] in _JUDGING


def much_is_meant(state: State, place: int, field: Expression) -> bool | None:
    """Whether the best or the worst have most of the column; None where the column does not say what is good."""
    best = state.marks[place].text.lower().split()[-1] == "best"
    words = set(state.context.words(field)) if isinstance(field, Field) else set()
    if words & {"rank"}:
        return not best
    if words & _GOOD:
        return best
    return not best if words & _BAD else None


def about(state: State, said: str, table: str) -> tuple[Expression, bool] | None:
    """The column of the table that a superlative is about, and whether it turns: the fastest take the least time.

    None where no column fits, or several do. `said` is the last word of the superlative, in lower case.
    """
    found = {field for name in _OF.get(said, ()) if (field := state.context.number_column(table, name)) is not None}
    if len(found) == 1:
        return found.pop(), False
    if found:
        return None
    if said in _TIMES:
        times = (state.context.number_column(table, name) for name in ("time", "duration"))
        took = {field for field in times if field is not None}
        return (took.pop(), True) if len(took) == 1 else None
    if said in {"longest", "shortest"}:
        lasting = state.context.duration(table)
        return (_noted(state, lasting), False) if lasting is not None else None
    return None


def _noted(state: State, lasting: Duration) -> Duration:
    state.note(f"How long is the time from {lasting.low.column} to {lasting.high.column}.", 0.05)
    return lasting
