"""What accepted joins are said to do to the rows of a statement."""

import pytest

from app.query.guard.findings import UsedJoin
from app.query.guard.relations import ONE, AcceptedJoin, FanOut
from app.query.joins.effects import cardinality_of, row_effect

FEW = FanOut(2.5, 4, 7)


def join(left: FanOut | None = FEW, right: FanOut | None = ONE, orphans: float | None = 0.0) -> AcceptedJoin:
    """Orders of customers."""
    measured = {(FEW, ONE): "n:1", (ONE, ONE): "1:1", (FEW, FEW): "n:m"}.get((left, right))
    sides = "orders", ("customer",), "customers", ("id",)
    return AcceptedJoin("j", *sides, 1, left, right, orphans, cardinality=measured)


def used(kind: str = "inner", *, turned: bool = False) -> UsedJoin:
    """The join as a statement uses it."""
    if turned:
        return UsedJoin("customers", "orders", kind, (("id", "customer"),), "j")
    return UsedJoin("orders", "customers", kind, (("customer", "id"),), "j")


ONCE = "A row of orders meets at most one row of customers."
SEVERAL = "A row of customers that meets any meets 2.5 rows of orders on average, at most 7."
GONE = "10.00% of the rows of orders with a value meet no row of customers and are left out."
KEPT = "10.00% of the rows of orders with a value meet no row of customers and are kept with nulls."


@pytest.mark.parametrize(
    ("statement", "accepted", "cardinality", "effect"),
    [
        (used(), join(), "n:1", f"{ONCE} Columns of customers repeat. {SEVERAL}"),
        (used(turned=True), join(), "1:n", f"{SEVERAL} So columns of customers repeat."),
        (used(), join(ONE, ONE), "1:1", ONCE),
        (used(), join(ONE, ONE, 0.1), "1:1", f"{ONCE} {GONE}"),
        (used("left"), join(ONE, ONE, 0.1), "1:1", f"{ONCE} {KEPT}"),
        (used("full"), join(ONE, ONE, 0.1), "1:1", f"{ONCE} {KEPT}"),
        (used("right"), join(ONE, ONE, 0.1), "1:1", f"{ONCE} {GONE}"),
        (
            used("right", turned=True),
            join(ONE, ONE, 0.1),
            "1:1",
            f"A row of customers meets at most one row of orders. {KEPT}",
        ),
        (
            used(),
            join(FEW, FEW),
            "n:m",
            (
                "A row of orders that meets any meets 2.5 rows of customers on average, at most 7. "
                "So columns of orders repeat."
            ),
        ),
        (used("in"), join(), "n:1", "Rows of orders are kept or left out by it, and never repeated."),
        (
            used("correlated", turned=True),
            join(),
            "1:n",
            "Rows of customers are kept or left out by it, and never repeated.",
        ),
        (used(), join(None, None, None), None, "How many rows of customers a row of orders meets is not known."),
    ],
)
def test_effects(statement: UsedJoin, accepted: AcceptedJoin, cardinality: str | None, effect: str) -> None:
    assert cardinality_of(statement, accepted) == cardinality
    assert row_effect(statement, accepted) == effect


def test_a_self_join_is_read_in_the_direction_of_its_columns() -> None:
    boss = AcceptedJoin("b", "staff", ("boss",), "staff", ("id",), 1, FEW, ONE, cardinality="n:1")
    up = UsedJoin("staff", "staff", "inner", (("boss", "id"),), "b")
    down = UsedJoin("staff", "staff", "inner", (("id", "boss"),), "b")
    assert (cardinality_of(up, boss), cardinality_of(down, boss)) == ("n:1", "1:n")
