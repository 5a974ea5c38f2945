"""What rows are ranked by, where a number is named of which each of them has several. Pure."""

from app.query.language.algebra.model import Aggregate, Expression, Field, Function
from app.query.language.parsing.state import State
from app.query.language.vocabulary.model import Kind


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
