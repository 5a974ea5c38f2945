"""Which aggregates are said to count rows several times, and which are not."""

import time

import pytest

from app.query.guard.check import GuardPolicy, check
from app.query.guard.relations import ONE
from tests.query.joins.orders import CATALOG, FEW, JOINS, accepted, checked, corrected

LINES = "FROM orders o JOIN order_lines l ON l.order_id = o.id"
SHIPPED = f"{LINES} JOIN shipments s ON s.order_id = o.id"

WARNED = [
    (f"SELECT sum(o.total) {LINES}", ["sum(o.total)"]),
    ("SELECT sum(total) FROM order_lines l JOIN orders o ON l.order_id = o.id", ["sum(total)"]),
    (f"SELECT SUM(o.total), avg(price), count(o.id), stddev(o.total) {LINES}",
     ["avg(price)", "count(o.id)", "stddev(o.total)", "sum(o.total)"]),
    (f"SELECT string_agg(o.status, ', '), array_agg(o.id), json_agg(o.id) {LINES}",
     ["array_agg(o.id)", "json_agg(o.id)", "string_agg(o.status, ', ')"]),
    (f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total) {LINES}",
     ["percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total)"]),
    (f"SELECT sum(o.total) FILTER (WHERE o.status = 'paid') {LINES}", ["sum(o.total) FILTER(WHERE o.status = 'paid')"]),
    (f"SELECT sum(o.total), sum(l.qty) {LINES}", ["sum(o.total)"]),
    (f"SELECT sum(o.total * a.fee) {LINES} JOIN agents a ON a.id = o.seller", ["sum(o.total * a.fee)"]),
    ("SELECT sum(o.total) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id", ["sum(o.total)"]),
    ("SELECT sum(o.total) FROM orders o RIGHT JOIN order_lines l ON l.order_id = o.id", ["sum(o.total)"]),
    ("SELECT sum(o.total) FROM orders o FULL JOIN order_lines l ON l.order_id = o.id", ["sum(o.total)"]),
    (f"SELECT l.product_id, sum(o.total) {LINES} GROUP BY l.product_id", ["sum(o.total)"]),
    (f"SELECT o.status {LINES} GROUP BY o.status HAVING sum(o.total) > 5 ORDER BY avg(o.total)",
     ["avg(o.total)", "sum(o.total)"]),
    (f"SELECT sum(o.total) {LINES} WHERE l.qty = 1", ["sum(o.total)"]),
    (f"SELECT sum(o.total) {LINES} AND l.qty > 1 AND o.status = 'paid'", ["sum(o.total)"]),
    # Two many sides of one table.
    (f"SELECT count(*) {SHIPPED}", ["count(*)"]),
    (f"SELECT count(1), sum(l.qty), sum(s.weight), sum(o.total) {SHIPPED}",
     ["count(1)", "sum(l.qty)", "sum(o.total)", "sum(s.weight)"]),
    # Along a chain.
    (("SELECT sum(c.credit), sum(o.total), sum(l.qty) FROM customers c JOIN orders o ON o.customer_id = c.id "
     "JOIN order_lines l ON l.order_id = o.id"), ["sum(c.credit)", "sum(o.total)"]),
    # Two roles of one table.
    ("SELECT sum(a.fee), sum(o.total) FROM agents a JOIN orders o ON o.seller = a.id JOIN agents b ON b.id = o.buyer",
     ["sum(a.fee)"]),
    ("SELECT sum(s.on_hand), sum(m.moved) FROM stock s JOIN moves m USING (warehouse, sku)", ["sum(s.on_hand)"]),
    ("SELECT sum(s.on_hand) FROM stock s JOIN moves m ON (s.sku, s.warehouse) = (m.sku, m.warehouse)",
     ["sum(s.on_hand)"]),
    ("SELECT sum(c.credit), sum(v.seconds) FROM customers c JOIN visits v USING (region)",
     ["sum(c.credit)", "sum(v.seconds)"]),
    # Windows over the rows of the join; over groups they take each group once.
    (f"SELECT o.id, sum(o.total) OVER (PARTITION BY o.status) {LINES}", ["sum(o.total)"]),
    (f"SELECT o.status, sum(sum(o.total)) OVER (ORDER BY o.status) {LINES} GROUP BY o.status", ["sum(o.total)"]),
    # Wherever the SELECT stands.
    (f"WITH t AS (SELECT sum(o.total) AS t {LINES}) SELECT t FROM t", ["sum(o.total)"]),
    (f"SELECT t FROM (SELECT sum(o.total) AS t {LINES}) d", ["sum(o.total)"]),
    (f"SELECT name FROM agents WHERE fee < (SELECT avg(o.price) {LINES} WHERE o.seller = agents.id)", ["avg(o.price)"]),
    (f"SELECT 1 UNION ALL SELECT sum(o.total) {LINES} ORDER BY 1", ["sum(o.total)"]),
    # Derived tables that pass the rows of a table on.
    ("SELECT sum(o.total) FROM orders o JOIN (SELECT order_id AS k FROM order_lines WHERE qty > 1) l ON l.k = o.id",
     ["sum(o.total)"]),
    ("WITH l AS (SELECT * FROM order_lines) SELECT sum(o.total) FROM orders o JOIN l ON l.order_id = o.id",
     ["sum(o.total)"]),
    ("SELECT sum(d.t) FROM (SELECT id, sum(total) t FROM orders GROUP BY id) d JOIN order_lines l ON l.order_id = d.id",
     ["sum(d.t)"]),
]  # fmt: skip

SILENT = [
    f"SELECT sum(l.qty), avg(l.amount), count(*), count(l.id) {LINES}",
    "SELECT sum(total) FROM orders JOIN customers c ON c.id = customer_id LEFT JOIN agents a ON a.id = seller",
    f"SELECT sum(l.qty * p.price) {LINES} JOIN products p ON p.id = l.product_id",
    f"SELECT sum(o.total * l.share), sum(CASE WHEN l.qty > 1 THEN o.total END) {LINES}",
    f"SELECT count(DISTINCT o.id), sum(DISTINCT o.total), string_agg(DISTINCT o.status, ',') {LINES}",
    f"SELECT min(o.total), max(o.price), bool_or(o.total > 1), bool_and(o.total > 1), any_value(o.id) {LINES}",
    f"SELECT o.total, l.qty {LINES}",
    f"SELECT o.id, rank() OVER (ORDER BY o.total) {LINES}",
    f"SELECT o.status, sum(max(o.total)) OVER (ORDER BY o.status) {LINES} GROUP BY o.status",
    "SELECT sum(total) FROM orders o WHERE EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id)",
    "SELECT sum(total) FROM orders WHERE id IN (SELECT order_id FROM order_lines)",
    "SELECT sum(o.total), sum(n.points) FROM orders o JOIN notes n ON n.order_id = o.id",
    # Aggregated before the join, by just the columns of the join.
    ("SELECT sum(o.total), sum(l.q) FROM orders o JOIN (SELECT order_id, sum(qty) AS q FROM order_lines "
    "GROUP BY order_id) l ON l.order_id = o.id"),
    ("WITH l AS (SELECT order_id AS k, sum(qty) AS q FROM order_lines GROUP BY 1) SELECT sum(o.total) FROM orders o "
    "JOIN l ON l.k = o.id"),
    "SELECT sum(o.total) FROM orders o JOIN (SELECT DISTINCT order_id FROM order_lines) l ON l.order_id = o.id",
    # Of these nothing is known for certain.
    ("SELECT sum(o.total) FROM orders o JOIN (SELECT order_id, product_id FROM order_lines GROUP BY 1, 2) l "
    "ON l.order_id = o.id"),
    "SELECT sum(o.total) FROM orders o JOIN (SELECT order_id FROM order_lines LIMIT 1) l ON l.order_id = o.id",
    ("SELECT sum(o.total) FROM orders o JOIN (SELECT order_id, row_number() OVER (PARTITION BY order_id) AS n "
    "FROM order_lines) l ON l.order_id = o.id AND l.n = 1"),
    "SELECT sum(n.points) FROM notes n JOIN shipments s ON s.order_id = n.order_id",
    "SELECT sum(l.qty) FROM order_lines l JOIN shipments s ON s.order_id = l.order_id",
    "SELECT sum(s.on_hand) FROM stock s JOIN moves m ON m.sku = s.sku",
    "SELECT sum(o.total) FROM orders o JOIN order_lines l ON l.order_id + 0 = o.id",
    f"SELECT sum(o.total) {LINES} AND false OR l.order_id = o.id",
    # Only orders without lines are left.
    "SELECT sum(o.total) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE l.order_id IS NULL",
    # An aggregate of the query around.
    "SELECT (SELECT sum(o.total) FROM order_lines l WHERE l.order_id = max(o.id)) FROM orders o GROUP BY o.id",
    "SELECT generate_series FROM generate_series(1, 3)",
]  # fmt: skip


def _calls(sql: str) -> list[str]:
    return sorted(warning.message.split(" counts ")[0] for warning in checked(sql).fan_outs)


@pytest.mark.parametrize(("sql", "calls"), WARNED)
def test_aggregates_of_repeated_rows_are_warned_of(sql: str, calls: list[str]) -> None:
    assert _calls(sql) == calls
    corrected(sql)


@pytest.mark.parametrize("sql", SILENT)
def test_all_others_are_not(sql: str) -> None:
    assert _calls(sql) == []


def test_the_message_says_what_is_repeated_how_often_and_what_follows() -> None:
    (warning,) = checked(f"SELECT sum(o.total) {LINES}").fan_outs
    assert warning.message == (
        "sum(o.total) counts rows of orders once for each row of order_lines that they meet "
        "(3.4 on average, at most 120): the sum is too large."
    )


def test_the_message_names_two_many_sides_and_the_way_out() -> None:
    (warning,) = checked(f"SELECT count(*) {SHIPPED}").fan_outs
    assert warning.corrected is None
    assert warning.message == (
        "count(*) counts combinations of rows of order_lines and of shipments (3.4 on average, at most 120; "
        "3.4 on average, at most 120), and the rows of no table once. Aggregate order_lines and shipments, each in a "
        "subquery with GROUP BY over the columns of the join, and join that."
    )


def test_the_message_tells_two_roles_of_a_table_apart() -> None:
    sql = "SELECT sum(b.fee) FROM agents a JOIN orders o ON o.seller = a.id JOIN agents b ON b.id = o.buyer"
    (warning,) = checked(sql).fan_outs
    assert warning.message.startswith("sum(b.fee) counts rows of agents b once for each row of orders that they meet")


def test_joins_of_unknown_cardinality_make_no_claim() -> None:
    unknown = [accepted("order_lines", "order_id", "orders", "id", (None, None))]
    assert checked(f"SELECT sum(o.total) {LINES}", unknown).fan_outs == ()
    assert checked(f"SELECT sum(o.total) {LINES}", []).fan_outs == ()


def test_where_more_is_equal_than_was_measured_only_a_join_to_one_row_tells() -> None:
    both = [*JOINS, accepted("order_lines", "order_id,product_id", "orders", "id,buyer", (ONE, ONE))]
    sql = f"SELECT sum(o.total) {LINES} AND l.product_id = o.buyer"
    assert checked(sql).fan_outs == (), "fewer rows meet than were measured, perhaps one"
    assert checked(sql, both).fan_outs == ()
    assert checked(f"SELECT sum(o.total) {LINES}", both).fan_outs != ()


def test_a_join_of_a_table_with_itself_is_known_by_its_columns() -> None:
    itself = [accepted("agents", "fee", "agents", "id", (FEW, ONE))]
    sql = "SELECT sum(boss.fee), sum(a.id) FROM agents a JOIN agents boss ON a.fee = boss.id"
    assert [warning.message.split(" once")[0] for warning in checked(sql, itself).fan_outs] == [
        "sum(boss.fee) counts rows of agents boss"
    ]


def test_a_corrected_form_passes_where_only_accepted_joins_do() -> None:
    text = corrected(f"SELECT o.status, sum(o.total), sum(l.qty) {LINES} GROUP BY o.status")
    assert text is not None
    assert check(text, CATALOG, GuardPolicy(require_accepted_joins=True)).allowed


def test_the_statement_itself_is_written_as_without_the_warning() -> None:
    sql = f"SELECT sum(o.total), sum(l.qty) {LINES}"
    assert checked(sql).sql == checked(sql, []).sql


@pytest.mark.parametrize("many", [8, 60, 150])
def test_wide_statements_are_judged_in_a_short_time(many: int) -> None:
    sums = ", ".join(f"sum(l{index}.qty)" for index in range(many))
    joins = " ".join(f"JOIN order_lines l{index} ON l{index}.order_id = o.id" for index in range(many))
    sql = f"SELECT {sums} FROM orders o {joins}"

    def seconds(*joins: object) -> float:
        start = time.process_time()
        checked(sql, joins)  # type: ignore[arg-type]
        return time.process_time() - start

    assert min(seconds(*JOINS) for _ in range(3)) < 0.1 + 3 * min(seconds() for _ in range(3))
