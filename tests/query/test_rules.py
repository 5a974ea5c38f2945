"""The pure rules around the guard: limits, staleness, negotiation, estimates, failures, presentation."""

import contextlib
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.http.negotiation import NotAcceptable
from app.query import presentation
from app.query.check_statement import CheckedStatement, PlanMismatch, TooExpensive, require_affordable
from app.query.guard.check import MAX_BYTES, check
from app.query.guard.findings import GuardVerdict, UsedTable
from app.query.guard.relations import RelationView
from app.query.results.estimates import Estimate, read_plan
from app.query.results.failures import (
    QueryCancelled,
    QueryFailed,
    QueryOutOfMemory,
    QueryTimeout,
    TableChanged,
    problem_of,
    safe_message,
)
from app.query.results.formats import Format, negotiate
from app.query.results.limits import LIMITS, LOWEST, limits_for
from app.query.staleness import JoinBasis, PreviewBasis, TableBasis, changes, shape_digest
from app.query.tables import identifiers
from tests.query.relations import CATALOG


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["VIEWER"], LIMITS["VIEWER"]),
        (["ANALYST"], LIMITS["ANALYST"]),
        (["VIEWER", "ADMIN"], LIMITS["ADMIN"]),
        ([], LOWEST),
        (["REQUESTOR"], LOWEST),
        (["REQUESTOR", "ENGINEER"], LIMITS["ENGINEER"]),
    ],
)
def test_the_limits_are_the_most_that_a_role_allows(roles: list[str], expected: Any) -> None:
    assert limits_for(roles, 1_000) == expected


def test_no_role_runs_longer_than_the_service_lets_it_nor_dearer() -> None:
    assert limits_for(["ADMIN"], 2.5).timeout_ms == 2_500
    assert limits_for(["VIEWER"], 1_000).timeout_ms == LOWEST.timeout_ms
    assert limits_for(["ADMIN"], 1_000, 2.5) == replace(LIMITS["ADMIN"], max_cost=2.5)
    assert limits_for(["VIEWER"], 1_000, 1e12) == LOWEST


BASIS = PreviewBasis(
    sql_hash="a" * 64,
    tables=(
        TableBasis("1", "flights", 1, "data.flights__v1", "f"),
        TableBasis("2", "planes", 1, "data.planes__v1", "p"),
    ),
    roles=("ANALYST",),
    limits=LOWEST,
)


def _with_table(**changed: Any) -> PreviewBasis:
    return replace(BASIS, tables=(replace(BASIS.tables[0], **changed), BASIS.tables[1]))


@pytest.mark.parametrize(
    ("now", "codes"),
    [
        (BASIS, []),
        (replace(BASIS, sql_hash="b" * 64), ["sql"]),
        (_with_table(version=2, table_id="3", relation="data.flights__v2"), ["table-version"]),
        (_with_table(relation="data.other"), ["table-version"]),
        (_with_table(shape="other"), ["table-schema"]),
        (replace(BASIS, tables=BASIS.tables[:1]), ["table-gone"]),
        (replace(BASIS, tables=(), sql_hash=""), ["table-gone", "table-gone"]),
        (replace(BASIS, roles=("VIEWER",)), ["roles"]),
        (replace(BASIS, limits=LIMITS["ADMIN"]), ["limits"]),
        (replace(BASIS, limits=LIMITS["ADMIN"], roles=("ADMIN",)), ["roles", "limits"]),
    ],
)
def test_what_makes_a_preview_stale(now: PreviewBasis, codes: list[str]) -> None:
    assert [change.code for change in changes(BASIS, now, {})] == codes


@pytest.mark.parametrize(
    ("in_force", "codes"),
    [
        ({"flights__planes__tailnum": 2}, []),
        ({"flights__planes__tailnum": 2, "airports__flights__faa__dest": 1}, []),  # accepted since: says nothing new
        ({"flights__planes__tailnum": 3}, ["join-version"]),
        ({}, ["join-gone"]),
        ({"airports__flights__faa__dest": 2}, ["join-gone"]),
    ],
)
def test_what_joins_make_a_preview_stale(in_force: dict[str, int], codes: list[str]) -> None:
    before = replace(BASIS, joins=(JoinBasis("flights__planes__tailnum", 2),))
    assert [change.code for change in changes(before, BASIS, in_force)] == codes


def test_a_basis_survives_being_stored() -> None:
    assert PreviewBasis.of(BASIS.document()) == BASIS


few_columns = st.lists(st.tuples(st.sampled_from(["id", "v"]), st.sampled_from(["text", "bigint"])), max_size=2)


@given(few_columns, few_columns)
def test_a_shape_digest_tells_names_types_order_and_number(
    columns: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    assert (shape_digest(columns) == shape_digest(other)) is (columns == other)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, Format.JSON),
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("application/json", Format.JSON),
        ("text/csv", Format.CSV),
        ("text/*", Format.CSV),
        ("TEXT/CSV; charset=utf-8", Format.CSV),
        ("application/x-ndjson", Format.NDJSON),
        ("application/vnd.apache.arrow.stream", Format.ARROW),
        ("application/vnd.apache.parquet", Format.PARQUET),
        ("text/csv;q=0.5, application/vnd.apache.parquet;q=0.9", Format.PARQUET),
        ("text/html, */*;q=0.1", Format.JSON),
        ("application/json;q=0, */*", Format.NDJSON),
        ("application/*;q=0.3, text/csv;q=0.2", Format.JSON),
        ("nonsense, text/csv", Format.CSV),
        ("text/csv;q=2, application/json;q=0.1", Format.JSON),
    ],
)
def test_the_form_is_what_the_client_likes_best(accept: str | None, expected: Format) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "nonsense", "image/*", ";", "text/csv;q=x"])
def test_forms_that_nobody_writes_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept)


@given(st.text())
def test_any_accept_header_is_a_form_or_a_refusal(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert negotiate(accept) in Format


PLAN = {
    "Plan": {
        "Node Type": "Hash Join",
        "Plan Rows": 12,
        "Plan Width": 20,
        "Total Cost": 345.6,
        "Plans": [
            {"Node Type": "Seq Scan", "Schema": "data", "Relation Name": "flights__v1"},
            {
                "Node Type": "Hash",
                "Plans": [{"Node Type": "Seq Scan", "Schema": "data", "Relation Name": "airlines__v1"}],
            },
            {"Node Type": "Function Scan", "Schema": "pg_catalog", "Function Name": "generate_series"},
        ],
    }
}


def test_a_plan_tells_rows_cost_bytes_and_relations_at_any_depth() -> None:
    expected = frozenset({("data", "flights__v1"), ("data", "airlines__v1")})
    assert read_plan(PLAN) == Estimate(rows=12, cost=345.6, bytes=240, relations=expected)


def _error(sqlstate: str, message: str = "a message") -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": sqlstate, "M": message})


@pytest.mark.parametrize(
    ("sqlstate", "seconds", "expected"),
    [
        ("22012", 0.1, QueryFailed),
        ("22P02", 0.1, QueryFailed),
        ("21000", 0.1, QueryFailed),
        ("42883", 0.1, QueryFailed),
        ("42803", 0.1, QueryFailed),
        ("0A000", 0.1, QueryFailed),
        ("54001", 0.1, QueryFailed),
        ("53400", 0.1, QueryFailed),
        ("XX000", 0.1, QueryFailed),
        ("42P01", 0.1, TableChanged),
        ("42501", 0.1, TableChanged),
        ("57014", 1.0, QueryTimeout),
        ("57014", 0.1, QueryCancelled),
        ("40P01", 0.1, QueryCancelled),
        ("53200", 0.1, QueryOutOfMemory),
        ("53100", 0.1, None),
        ("53300", 0.1, None),
        ("57P01", 0.1, None),
        ("08006", 0.1, None),
        ("55P03", 0.1, None),
    ],
)
def test_what_an_error_of_postgresql_is_to_the_caller(sqlstate: str, seconds: float, expected: Any) -> None:
    problem = problem_of(_error(sqlstate), names={}, timeout_ms=1_000, elapsed_seconds=seconds)
    assert (type(problem) if problem else None) is expected
    assert problem is None or problem.status in {409, 422, 503}


def test_a_full_table_of_locks_is_no_querys_fault() -> None:
    full = _error("53200", "out of shared memory")
    assert problem_of(full, names={}, timeout_ms=1_000, elapsed_seconds=0.1) is None


def test_messages_speak_of_logical_names() -> None:
    message = 'column "x" of relation "flights__v1" does not exist\nDETAIL: hidden'
    assert safe_message(message, {"flights__v1": "flights"}) == 'column "x" of relation "flights" does not exist'
    assert len(safe_message("y" * 10_000, {})) == 300
    assert "segfault" not in str(problem_of(_error("XX000", "segfault"), names={}, timeout_ms=1, elapsed_seconds=0))


def _relation(name: str, version: int = 1) -> RelationView:
    return RelationView("id", name, version, "ACTIVE", "data", f"{name}__v{version}", ())


@pytest.mark.parametrize(
    ("physical", "logical"),
    [
        ('SELECT 1 FROM "data"."flights__v1" AS "f"', 'SELECT 1 FROM "flights" AS "f"'),
        ('SELECT \'"data"."flights__v1"\' FROM "data"."flights__v1"', 'SELECT \'"data"."flights__v1"\' FROM "flights"'),
        ("SELECT 'it''s \"data\".\"flights__v1\"'", "SELECT 'it''s \"data\".\"flights__v1\"'"),
        ('SELECT 1 FROM "data"."flights__v10"', 'SELECT 1 FROM "data"."flights__v10"'),
    ],
)
def test_people_see_logical_names_and_their_own_texts_as_they_were(physical: str, logical: str) -> None:
    assert presentation.logical_sql(physical, [_relation("flights")]) == logical


def test_the_explanation_says_when_an_answer_is_cut() -> None:
    whole = presentation.explanation(1, ["flights (version 1, ACTIVE)"], 2, None)
    assert whole == "1 row from flights (version 1, ACTIVE); the planner expected 2."
    assert "the cap of rows cut the answer" in presentation.explanation(10, [], 2_000, "rows")


class PlannedStatement:
    """Stands for a statement whose plan reads these relations, of which the known ones may be read in other's stead."""

    def __init__(self, reads: set[tuple[str, str]], stands_for: set[tuple[str, str]], cost: float = 1.0) -> None:
        self._estimate = Estimate(1, cost, 1, frozenset(reads))
        self._stands_for = frozenset(stands_for)

    async def estimate(self) -> Estimate:
        return self._estimate

    async def stands_for(self, relations: list[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        return self._stands_for | set(relations)


FOUND = CheckedStatement(
    GuardVerdict(allowed=True, sql="SELECT", sql_hash="h", tables=(UsedTable("id", "flights", 1, "ACTIVE"),)),
    {"flights": _relation("flights")},
)


@pytest.mark.parametrize(
    ("reads", "stands_for", "mismatch"),
    [
        ({("data", "flights__v1")}, set(), False),
        (set(), set(), False),  # the planner needs no relation for a condition that is never true
        ({("data", "flights__v1"), ("data", "part_1")}, {("data", "part_1")}, False),
        ({("data", "flights__v1"), ("spyne", "users")}, set(), True),
        ({("other", "flights__v1")}, set(), True),
        ({("data", "part_1"), ("spyne", "users")}, {("data", "part_1")}, True),
    ],
)
async def test_a_plan_may_read_no_relation_that_the_guard_has_not_seen(
    reads: set[tuple[str, str]], stands_for: set[tuple[str, str]], *, mismatch: bool
) -> None:
    statement: Any = PlannedStatement(reads, stands_for)
    if mismatch:
        with pytest.raises(PlanMismatch):
            await require_affordable(statement, FOUND, LOWEST)
    else:
        assert await require_affordable(statement, FOUND, LOWEST) == await statement.estimate()


async def test_the_ceiling_itself_may_be_reached() -> None:
    statement: Any = PlannedStatement(set(), set(), LOWEST.max_cost)
    assert (await require_affordable(statement, FOUND, LOWEST)).cost == LOWEST.max_cost
    dearer: Any = PlannedStatement(set(), set(), LOWEST.max_cost + 1)
    with pytest.raises(TooExpensive):
        await require_affordable(dearer, FOUND, LOWEST)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("FROM Flights f", {"from", "flights", "f"}),
        ('FROM "flights"JOIN planes', {"from", "flights", "join", "planes"}),
        ("a.b_1,_c", {"a", "b_1", "_c"}),
        ("1flights é$x -- weather", {"flights", "x", "weather"}),
        ("", set()),
        ("1 + 2", set()),
        (" " * MAX_BYTES + "flights", set()),
    ],
)
def test_the_words_of_a_statement_that_may_be_tables(sql: str, names: set[str]) -> None:
    assert identifiers(sql) == names


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("SELECT 1 FROM flihgts", "flihgts"),
        ('SELECT 1 FROM "a b is not a table that you may query."', "a b is not a table that you may query."),
        ("SELECT g.year FROM flights f", None),
        ("SELECT nothing FROM flights", None),
        ("SELECT (", None),
    ],
)
def test_a_finding_carries_the_name_in_from_that_is_no_table(sql: str, table: str | None) -> None:
    (finding,) = check(sql, CATALOG).findings
    assert finding.table == table
