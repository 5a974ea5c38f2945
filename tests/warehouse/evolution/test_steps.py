"""What can be done to a relation that holds rows, and what needs a new version of the contract."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.warehouse.evolution import (
    AddColumn,
    DropColumn,
    DropNotNull,
    Narrow,
    NeedsNewVersion,
    SetNotNull,
    Widen,
    rewrites,
    steps,
    undo_steps,
)
from app.warehouse.evolution.steps import reads_all_rows
from app.warehouse.evolution.types import changes_hash, holds_all_of, rewrites_table
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Checks, Column, Mode, RelationPlan, Resolution
from app.warehouse.types import ColumnType, TypeKind, parse_type
from tests.warehouse.relations import plan_of


def column(name: str, type_: str, *, nullable: bool = True, unique: bool = False) -> Column:
    return Column(name, parse_type(type_), nullable, Checks(unique=unique))


def with_columns(*columns: Column, **others: object) -> RelationPlan:
    """The plan of the tests with these columns, beside or instead of its own."""
    plan = plan_of()
    own = {each.name: each for each in plan.columns} | {each.name: each for each in columns}
    return replace(plan, columns=tuple(own.values()), **others)  # type: ignore[arg-type]


def without(plan: RelationPlan, name: str) -> RelationPlan:
    return replace(plan, columns=tuple(each for each in plan.columns if each.name != name))


BASE = plan_of()
W = column("w", "text")
INT, BIG = parse_type("integer"), parse_type("bigint")


def test_steps_and_their_inverse() -> None:
    before = with_columns(column("a", "integer", nullable=False), column("b", "varchar(3)"))
    after = with_columns(column("b", "text"), column("a", "bigint"), W)
    widened = Widen("b", parse_type("varchar(3)"), parse_type("text"))
    assert steps(before, after) == (widened, Widen("a", INT, BIG), DropNotNull("a"), AddColumn(W))
    narrowed = Narrow("b", parse_type("text"), parse_type("varchar(3)"))
    assert undo_steps(before, after) == (DropColumn("w"), SetNotNull("a"), Narrow("a", BIG, INT), narrowed)


@pytest.mark.parametrize(
    "after",
    [
        BASE,
        replace(BASE, columns=tuple(reversed(BASE.columns))),
        replace(BASE, dedupe_window=timedelta(days=9)),
        with_columns(Column("v", INT, checks=Checks(minimum=1, maximum=2), source="deep.down")),
        with_columns(column("k", "text", nullable=False)),
    ],
)
def test_what_asks_nothing_of_the_relation(after: RelationPlan) -> None:
    assert steps(BASE, after) == steps(after, BASE) == ()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (with_columns(W), BASE, "column w is gone"),
        (with_columns(W), with_columns(column("x", "text")), "column w is gone"),
        (BASE, with_columns(column("w", "text", nullable=False)), "column w is new and may not be empty"),
        (BASE, with_columns(column("v", "integer", nullable=False)), "column v may not be empty any more"),
        (BASE, with_columns(column("v", "text")), "v changes from integer to text, which cannot hold"),
        (BASE, with_columns(column("v", "smallint")), "v changes from integer to smallint, which cannot hold"),
        (BASE, with_columns(column("v", "real")), "v changes from integer to real, which cannot hold"),
        (BASE, with_columns(column("v", "integer", unique=True)), "column v becomes unique"),
        (plan_of(unique=True), BASE, "column v is not unique any more"),
        (plan_of(time_type="date"), plan_of(time_type="timestamp"), "rows are told apart by it"),
        (with_columns(column("k", "integer")), with_columns(column("k", "bigint")), "rows are told apart by it"),
        (BASE, plan_of(time_type="timestamp"), "at changes from timestamp with"),
        (BASE, plan_of(Mode.APPEND), "the mode changes from upsert to append"),
        (BASE, plan_of(resolution=Resolution.REJECT), "the conflict resolution changes from latest_wins to reject"),
        (BASE, replace(BASE, relation=governed_relation("things", 2)), "two relations"),
        (with_columns(W), with_columns(W, key=("w",)), "the idempotency key is another"),
        (with_columns(W), with_columns(W, key=("k", "w")), "the idempotency key is another"),
        (with_columns(column("t", "date")), with_columns(column("t", "date"), event_time="t"), "the event time is"),
        (
            with_columns(column("t", "timestamptz")),
            with_columns(column("t", "timestamptz"), processing_time="t"),
            "the processing time is",
        ),
    ],
)
def test_what_needs_a_new_version(before: RelationPlan, after: RelationPlan, reason: str) -> None:
    with pytest.raises(NeedsNewVersion) as refused:
        steps(before, after)
    assert reason.replace("timestamp with", "timestamptz") in str(refused.value)
    with pytest.raises(NeedsNewVersion):
        undo_steps(before, after)


def test_every_reason_is_listed() -> None:
    with pytest.raises(NeedsNewVersion) as refused:
        steps(with_columns(W), replace(with_columns(column("v", "text")), mode=Mode.REPLACE))
    assert len(refused.value.reasons) == 3
    assert refused.value.document(None)["reasons"] == list(refused.value.reasons)
    assert refused.value.status == 409


def test_a_key_may_get_longer_where_no_index_is_built_anew() -> None:
    key = with_columns(column("k", "varchar(3)")), with_columns(column("k", "varchar(4)"))
    (step,) = steps(*key)
    assert not rewrites(step)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (AddColumn(W), (False, False)),
        (AddColumn(column("w", "text", unique=True)), (False, True)),
        (DropNotNull("v"), (False, False)),
        (Widen("v", INT, BIG), (True, True)),
        (Widen("v", parse_type("varchar(3)"), parse_type("text")), (False, False)),
        (Narrow("v", parse_type("text"), parse_type("varchar(3)")), (True, True)),
        (DropColumn("v"), (False, False)),
        (SetNotNull("v"), (False, False)),
    ],
)
def test_steps_that_go_through_all_rows(step: AddColumn, expected: tuple[bool, bool]) -> None:
    assert (rewrites(step), reads_all_rows(step)) == expected


types = st.sampled_from(
    [
        parse_type(text)
        for text in (
            *(kind.value for kind in TypeKind),
            "varchar(3)",
            "varchar(9)",
            "numeric(5,0)",
            "numeric(5,2)",
            "numeric(9,2)",
            "numeric(19,0)",
        )
    ]
)


@given(one=types, other=types, third=types)
def test_widening_is_an_order(one: ColumnType, other: ColumnType, third: ColumnType) -> None:
    assert holds_all_of(one, one)
    assert not (holds_all_of(one, other) and holds_all_of(other, third)) or holds_all_of(one, third)
    if one != other and holds_all_of(one, other) and holds_all_of(other, one):
        assert {one.kind, other.kind} == {TypeKind.TEXT, TypeKind.VARCHAR}, "the same without a length"
    if not rewrites_table(one, other):
        assert not changes_hash(one, other)
