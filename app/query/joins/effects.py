"""What an accepted join does to the rows of a statement, in words. Pure."""

from typing import Final

from app.query.guard.findings import UsedJoin
from app.query.guard.relations import AcceptedJoin, FanOut

_FILTERING: Final = frozenset({"in", "correlated"})


def is_turned(used: UsedJoin, join: AcceptedJoin) -> bool:
    """Whether the statement's left is the join's right."""
    straight = (used.left, used.right) == (join.left_table, join.right_table)
    return not (straight and set(zip(join.left_columns, join.right_columns, strict=True)) <= set(used.pairs))


def says_more(used: UsedJoin, join: AcceptedJoin) -> bool:
    """Whether the statement makes more columns equal than the join: its numbers are then only bounds."""
    return len(set(used.pairs)) > len(join.left_columns)


def cardinality_of(used: UsedJoin, join: AcceptedJoin) -> str | None:
    """The join's cardinality, of the statement's left to its right; None where it is only a bound."""
    found = None if says_more(used, join) and join.cardinality != "1:1" else join.cardinality
    return ":".join(reversed(found.split(":"))) if found is not None and is_turned(used, join) else found


def row_effect(used: UsedJoin, join: AcceptedJoin) -> str:
    """What the join does to the rows of the statement's left and right, in a sentence or two."""
    if used.kind in _FILTERING:
        return f"Rows of {used.left} are kept or left out by it, and never repeated."
    turned = is_turned(used, join)
    met, meeting = (join.left_rows, join.right_rows) if turned else (join.right_rows, join.left_rows)
    if says_more(used, join) and met is not None and met.multiplies:
        return f"A row of {used.left} meets at most {met.max:,} rows of {used.right}: more is equal than was measured."
    said = [_meets(used.left, used.right, met)]
    if met is not None and met.multiplies:
        said.append(f"So columns of {used.left} repeat.")
    elif meeting is not None and meeting.multiplies and not says_more(used, join):
        said.append(f"Columns of {used.right} repeat. {_meets(used.right, used.left, meeting)}")
    said.append(_orphans(used, join, turned=turned))
    return " ".join(part for part in said if part)


def _meets(one: str, other: str, rows: FanOut | None) -> str:
    if rows is None:
        return f"How many rows of {other} a row of {one} meets is not known."
    if not rows.multiplies:
        return f"A row of {one} meets at most one row of {other}."
    return f"A row of {one} that meets any meets {rows.mean:.3g} rows of {other} on average, at most {rows.max:,}."


def _orphans(used: UsedJoin, join: AcceptedJoin, *, turned: bool) -> str:
    """What becomes of rows of the referring side that meet nothing."""
    if not join.orphan_rate or says_more(used, join):
        return ""
    side, other = (used.right, used.left) if turned else (used.left, used.right)
    kept = used.kind in {"full", "right" if turned else "left"}
    share = f"{join.orphan_rate:.2%} of the rows of {side} with a value meet no row of {other} and "
    return share + ("are kept with nulls." if kept else "are left out.")
