"""What a candidate rests on and what speaks against it, in plain words that hold no value of the data. Pure."""

from collections.abc import Sequence
from typing import Final

from app.catalog.joins.discovery.model import Pair
from app.catalog.joins.discovery.scoring import ENOUGH
from app.warehouse.evidence.samples import JoinMeasure

WORTH_A_WARNING: Final = 0.001
"""Share of rows without a match from which it is told."""

MOSTLY: Final = 0.5
"""Share of the rows from which nulls are told."""


def columns(table: str, names: Sequence[str]) -> str:
    """The columns with their table: `orders.customer_id`, `flights(origin, time_hour)`."""
    return f"{table}.{names[0]}" if len(names) == 1 else f"{table}({', '.join(names)})"


def of_values(pair: Pair, measured: JoinMeasure) -> tuple[str, ...]:
    """How many values of the left occur on the right; nothing where none was compared."""
    if not measured.values:
        return ()
    kind = "distinct" if measured.exact else "sampled"
    left, right = columns(pair.left_table, pair.left_columns), columns(pair.right_table, pair.right_columns)
    return (f"{percent(measured.containment)} of {measured.values:,} {kind} values of {left} occur in {right}",)


def warnings(pair: Pair, measured: JoinMeasure, *, small: bool) -> tuple[str, ...]:
    """What a person should know before accepting the join."""
    found = []
    if measured.values and measured.orphan_rate >= WORTH_A_WARNING:
        found.append(f"{percent(measured.orphan_rate)} of the rows of {pair.left_table} meet no {pair.right_table}")
    if small:
        found.append("both columns are dense small integers, so containment says little")
    if not measured.values:
        found.append("no values could be compared")
    elif not measured.exact:
        found.append(f"measured on a sample of {measured.values:,} values")
    elif measured.values < ENOUGH:
        found.append(f"{pair.left_table} has only {measured.values:,} distinct values here")
    if measured.left_rows and measured.left_nulls >= MOSTLY * measured.left_rows:
        found.append(f"{percent(measured.left_nulls / measured.left_rows)} of the rows of {pair.left_table} have none")
    return tuple(found)


def percent(share: float) -> str:
    """The share in per cent, with a digit after the point if not whole; never rounded up to 100 or down to 0."""
    rounded = round(100 * share, 1)
    if rounded >= 100 > 100 * share:  # noqa: PLR2004
        return "99.9 %"
    if rounded <= 0 < share:
        return "0.1 %"
    return f"{rounded:.0f} %" if rounded == int(rounded) else f"{rounded:.1f} %"
