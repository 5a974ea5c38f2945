"""Statements whose joins repeat rows, each with one written by hand that does not; and rows on which they differ."""

from typing import Final

ROWS: Final = {
    "customers": """
        (1, 'ann', 100, 'north'),
        (2, 'bob', 200, 'south'),
        (3, 'cid', NULL, 'north'),
        (4, 'dan', 400, NULL)
    """,
    "agents": """
        (1, 'xia', 1.5),
        (2, 'yan', 2.5),
        (3, 'zoe', NULL)
    """,
    "orders": """
        (1, 1, 1, 2, 10, 1.5, 10.10, 0.5, 'paid', '2024-01-05', 1),
        (2, 1, 1, 1, 21, 2.5, 20.20, 1.5, 'open', '2024-01-20', 2),
        (3, 2, 2, NULL, 40, NULL, 40.40, 2.5, 'paid', '2024-02-03', 4),
        (4, 2, NULL, 3, 81, 8.5, NULL, NULL, 'paid', NULL, 8),
        (5, 3, 3, 1, NULL, 0.5, 0.50, 3.5, 'open', '2024-02-10', 16),
        (6, NULL, 2, 2, 160, 16, 60.6, 1, 'paid', '2024-03-01', 32),
        (7, 9, 1, 1, 320, 32, 70.7, 1, 'open', '2024-03-02', 64),
        (8, 1, 2, 1, 640, 64, 80.8, 1, 'paid', '2024-03-03', 128)
    """,
    "order_lines": """
        (1, 1, 1, 1, 1.10, 0.1, 0.1, 'a', '2024-01-06', 1),
        (2, 1, 2, 2, 2.20, 0.2, 0.2, 'b', '2024-01-07', 2),
        (3, 1, 1, 3, 3.30, 0.3, 0.3, 'a', '2024-02-01', 4),
        (4, 2, 1, 5, NULL, 0.5, 0.5, NULL, '2024-01-25', 8),
        (5, 2, 2, NULL, 5.50, 0.7, NULL, 'a', '2024-01-25', 16),
        (6, 3, 3, 7, 6.60, NULL, 0.7, 'b', NULL, 32),
        (7, 3, NULL, 8, 7.70, 0.9, 0.9, 'b', '2024-02-25', 64),
        (8, NULL, 1, 9, 8.80, 1, 1, 'a', '2024-02-25', 128),
        (9, 99, 1, 10, 9.90, 1, 1, 'a', '2024-02-25', 256),
        (10, 4, 2, 1, 1.01, 1, 1, 'c', '2024-02-25', 512),
        (11, 5, 1, 2, 1.02, 1, 1, 'c', '2024-02-25', 1024),
        (12, 5, 1, 2, 1.03, 1, 1, 'c', '2024-02-26', 2048),
        (13, 6, 2, 1, 1.04, 1, 1, 'a', '2024-03-05', 4096),
        (14, 6, 2, 1, 1.05, 1, 1, 'b', '2024-03-06', 8192)
    """,
    "products": """
        (1, 'tea', 1.1),
        (2, 'nut', 2.2),
        (3, NULL, 3.3),
        (4, 'tea', 4.4)
    """,
    "shipments": """
        (1, 1, 'air', 5),
        (2, 1, 'sea', 6),
        (3, 2, 'air', 7),
        (4, 3, 'air', 8),
        (5, NULL, 'sea', 9),
        (6, 6, 'sea', 1),
        (7, 6, 'air', 2)
    """,
    "notes": """
        (1, 'good', 3),
        (3, 'bad', 5),
        (6, NULL, 7)
    """,
    "stock": """
        (1, 'p', 100),
        (1, 'q', 200),
        (2, 'p', 400)
    """,
    "moves": """
        (1, 1, 'p', 1),
        (2, 1, 'p', 2),
        (3, 1, 'q', 4),
        (4, 2, 'p', 8),
        (5, 2, 'p', 16),
        (6, 2, NULL, 32),
        (7, 2, 'q', 64)
    """,
    "visits": """
        (1, 'north', 10),
        (2, 'north', 20),
        (3, 'south', 40)
    """,
}

# What the reference says of the lines, or of the shipments, of an order.
SOLD: Final = "EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id)"
OF_ORDER: Final = "FROM order_lines l WHERE l.order_id = o.id"
BOTH: Final = "FROM orders o JOIN order_lines l ON l.order_id = o.id"

CASES: Final[dict[str, tuple[str, str]]] = {
    "one sum": (f"SELECT sum(o.total) {BOTH}", f"SELECT sum(total) FROM orders o WHERE {SOLD}"),
    "one sum, the many side first": (
        "SELECT sum(o.total) AS all_of_it FROM order_lines l JOIN orders o ON o.id = l.order_id",
        f"SELECT sum(total) FROM orders o WHERE {SOLD}",
    ),
    "left join": (
        "SELECT sum(o.total), count(*), count(l.id) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id",
        f"""
        SELECT sum(total), sum(greatest(1, (SELECT count(*) {OF_ORDER})))::bigint, sum((SELECT count(*)
        {OF_ORDER}))::bigint FROM orders o
        """,
    ),
    "by the one side": (
        f"SELECT o.status, sum(o.total), sum(l.qty) {BOTH} GROUP BY o.status ORDER BY o.status",
        f"""
        SELECT status, sum(total), sum((SELECT sum(qty) {OF_ORDER}))::bigint FROM orders o WHERE {SOLD} GROUP BY
        status ORDER BY status
        """,
    ),
    "by the many side": (
        f"SELECT l.product_id, sum(o.total) {BOTH} GROUP BY l.product_id",
        """
        SELECT product_id, sum(total) FROM (SELECT DISTINCT l.product_id, o.id, o.total FROM orders o,
        order_lines l WHERE l.order_id = o.id) d GROUP BY product_id
        """,
    ),
    "by both sides, by position and name": (
        f"""
        SELECT o.status, l.note AS kind, sum(o.total) AS t {BOTH} GROUP BY 1, kind HAVING count(l.qty) > 1 ORDER
        BY t DESC
        """,
        """
        SELECT status, note, sum(total) AS t FROM (SELECT o.status, l.note, o.id, o.total, count(l.qty) AS n
        FROM orders o, order_lines l WHERE l.order_id = o.id GROUP BY 1, 2, 3, 4) d GROUP BY 1, 2 HAVING sum(n)
        > 1 ORDER BY t DESC
        """,
    ),
    "by an expression of the many side": (
        f"SELECT date_trunc('month', l.shipped), sum(o.total) {BOTH} GROUP BY date_trunc('month', l.shipped)",
        """
        SELECT m, sum(total) FROM (SELECT DISTINCT date_trunc('month', l.shipped) AS m, o.id, o.total FROM
        orders o, order_lines l WHERE l.order_id = o.id) d GROUP BY m
        """,
    ),
    "by an unnamed expression": (
        f"SELECT l.qty % 2, count(o.total) {BOTH} GROUP BY l.qty % 2",
        """
        SELECT m, count(total) FROM (SELECT DISTINCT l.qty % 2 AS m, o.id, o.total FROM orders o, order_lines l
        WHERE l.order_id = o.id) d GROUP BY m
        """,
    ),
    "by the key": (
        """
        SELECT l.order_id, sum(o.total), min(l.qty), max(l.note) FROM order_lines l LEFT JOIN orders o ON o.id =
        l.order_id GROUP BY l.order_id
        """,
        """
        SELECT order_id, (SELECT sum(total) FROM orders o WHERE o.id = l.order_id), min(qty), max(note) FROM
        order_lines l GROUP BY order_id
        """,
    ),
    "averages of both sides": (
        f"SELECT avg(o.total), avg(o.price), avg(l.qty), avg(l.amount), avg(l.share), avg(l.rate), avg(l.big) {BOTH}",
        f"""
        SELECT (SELECT avg(total) FROM orders o WHERE {SOLD}), (SELECT avg(price) FROM orders o WHERE {SOLD}),
        avg(qty), avg(amount), avg(share), avg(rate), avg(big) FROM order_lines WHERE order_id IN (SELECT id
        FROM orders)
        """,
    ),
    "counts of both sides": (
        f"""
        SELECT count(o.total), count(*), count(l.qty), count(1), count(DISTINCT o.customer_id), count(DISTINCT
        l.order_id) {BOTH}
        """,
        f"""
        SELECT (SELECT count(total) FROM orders o WHERE {SOLD}), count(*), count(qty), count(*), (SELECT
        count(DISTINCT customer_id) FROM orders o WHERE {SOLD}), count(DISTINCT order_id) FROM order_lines WHERE
        order_id IN (SELECT id FROM orders)
        """,
    ),
    "division stays division of integers": (
        f"SELECT sum(l.qty) / count(*), sum(o.total) % 7, 1 + avg(l.qty) * 2 {BOTH}",
        f"""
        SELECT sum(qty) / count(*), (SELECT sum(total) FROM orders o WHERE {SOLD}) % 7, 1 + avg(qty) * 2 FROM
        order_lines WHERE order_id IN (SELECT id FROM orders)
        """,
    ),
    "filters on both sides": (
        f"""
        SELECT sum(o.total), sum(l.qty) {BOTH} WHERE o.status = 'paid' AND l.qty > 1 AND (l.note = 'a' OR l.note
        = 'b')
        """,
        """
        SELECT sum(total), sum(q)::bigint FROM (SELECT o.total, (SELECT sum(l.qty) FROM order_lines l WHERE
        l.order_id = o.id AND l.qty > 1 AND l.note IN ('a', 'b')) AS q FROM orders o WHERE o.status = 'paid') d
        WHERE q IS NOT NULL
        """,
    ),
    "a filter that makes a left join an inner one": (
        "SELECT sum(o.total), count(*) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE l.qty < 3",
        """
        SELECT (SELECT sum(total) FROM orders o WHERE EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id
        AND l.qty < 3)), count(*) FROM order_lines l WHERE qty < 3 AND order_id IN (SELECT id FROM orders)
        """,
    ),
    "a condition in ON": (
        """
        SELECT sum(o.total), sum(l.qty) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id AND l.qty < 3
        AND o.status = 'paid'
        """,
        """
        SELECT sum(total), (SELECT sum(l.qty) FROM order_lines l JOIN orders o ON l.order_id = o.id WHERE l.qty
        < 3 AND o.status = 'paid') FROM orders o
        """,
    ),
    "FILTER on both sides": (
        f"""
        SELECT sum(o.total) FILTER (WHERE o.status = 'paid'), sum(l.qty) FILTER (WHERE l.note = 'a' AND o.status
        = 'open'), count(*) FILTER (WHERE l.qty > 1) {BOTH}
        """,
        f"""
        SELECT (SELECT sum(total) FROM orders o WHERE o.status = 'paid' AND {SOLD}), sum(l.qty) FILTER (WHERE
        l.note = 'a' AND o.status = 'open'), count(*) FILTER (WHERE l.qty > 1) FROM order_lines l JOIN orders o
        ON o.id = l.order_id
        """,
    ),
    "CASE and coalesce": (
        """
        SELECT sum(CASE WHEN o.status = 'paid' THEN o.total ELSE 0 END), sum(CASE WHEN l.note = 'a' THEN 1 ELSE
        0 END), sum(coalesce(l.qty, 50)), avg(coalesce(l.qty, 50)), count(coalesce(l.qty, 1)) FROM orders o LEFT
        JOIN order_lines l ON l.order_id = o.id
        """,
        """
        SELECT (SELECT sum(total) FROM orders WHERE status = 'paid'), count(*) FILTER (WHERE l.note = 'a'),
        sum(coalesce(l.qty, 50)), avg(coalesce(l.qty, 50)), count(*) FROM order_lines l RIGHT JOIN orders o ON
        l.order_id = o.id
        """,
    ),
    "two many sides": (
        """
        SELECT o.status, sum(l.qty), sum(s.weight), sum(o.total) FROM orders o LEFT JOIN order_lines l ON
        l.order_id = o.id LEFT JOIN shipments s ON s.order_id = o.id GROUP BY o.status
        """,
        f"""
        SELECT status, sum((SELECT sum(qty) {OF_ORDER}))::bigint, sum((SELECT sum(weight) FROM shipments s WHERE
        s.order_id = o.id))::bigint, sum(total) FROM orders o GROUP BY status
        """,
    ),
    "two many sides, the one side unread": (
        """
        SELECT sum(l.amount), count(s.id) FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN shipments s
        ON s.order_id = o.id
        """,
        """
        SELECT (SELECT sum(amount) FROM order_lines WHERE order_id IN (SELECT order_id FROM shipments) AND
        order_id IN (SELECT id FROM orders)), (SELECT count(*) FROM shipments WHERE order_id IN (SELECT order_id
        FROM order_lines) AND order_id IN (SELECT id FROM orders))
        """,
    ),
    "a chain of three": (
        """
        SELECT c.region, sum(c.credit), sum(o.total), sum(l.qty), count(*) FROM customers c LEFT JOIN orders o
        ON o.customer_id = c.id LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY c.region
        """,
        """
        SELECT c.region, sum(credit), sum((SELECT sum(total) FROM orders o WHERE o.customer_id = c.id))::bigint,
        sum((SELECT sum(qty) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.customer_id =
        c.id))::bigint, sum((SELECT count(*) FROM (SELECT) one LEFT JOIN (orders o LEFT JOIN order_lines l ON
        o.id = l.order_id) ON o.customer_id = c.id))::bigint FROM customers c GROUP BY c.region
        """,
    ),
    "a dimension on the many side": (
        f"""
        SELECT p.kind, sum(o.total), sum(l.qty * p.price) {BOTH} JOIN products p ON p.id = l.product_id WHERE
        p.price < 3 GROUP BY p.kind
        """,
        """
        SELECT kind, sum(total), sum(v) FROM (SELECT p.kind, o.id, o.total, sum(l.qty * p.price) AS v FROM
        orders o, order_lines l, products p WHERE o.id = l.order_id AND p.id = l.product_id AND p.price < 3
        GROUP BY 1, 2, 3) d GROUP BY kind
        """,
    ),
    "role-playing dimensions": (
        """
        SELECT a.name, b.name, sum(o.total) FROM orders o JOIN agents a ON a.id = o.seller LEFT JOIN agents b ON
        b.id = o.buyer JOIN order_lines l ON l.order_id = o.id GROUP BY a.name, b.name
        """,
        f"""
        SELECT (SELECT name FROM agents WHERE id = seller), (SELECT name FROM agents WHERE id = buyer),
        sum(total) FROM orders o WHERE {SOLD} AND seller IS NOT NULL GROUP BY 1, 2
        """,
    ),
    "a role-playing one side": (
        """
        SELECT sum(a.fee), max(b.name) FROM agents a JOIN orders o ON o.seller = a.id JOIN agents b ON b.id =
        o.buyer WHERE b.id = 1
        """,
        "SELECT sum(fee), 'xia' FROM agents WHERE id IN (SELECT seller FROM orders WHERE buyer = 1)",
    ),
    "a one-to-one table beside": (
        f"SELECT sum(n.points), sum(o.total) {BOTH} LEFT JOIN notes n ON n.order_id = o.id",
        f"SELECT sum(points), sum(total) FROM orders o LEFT JOIN notes n ON n.order_id = o.id WHERE {SOLD}",
    ),
    "a composite key": (
        """
        SELECT s.warehouse, sum(s.on_hand), sum(m.moved) FROM stock s JOIN moves m ON (m.warehouse, m.sku) =
        (s.warehouse, s.sku) GROUP BY s.warehouse
        """,
        """
        SELECT warehouse, sum(on_hand), sum((SELECT sum(moved) FROM moves m WHERE m.warehouse = s.warehouse AND
        m.sku = s.sku))::bigint FROM stock s GROUP BY warehouse
        """,
    ),
    "USING a composite key": (
        "SELECT sku, sum(on_hand), sum(moved) FROM moves LEFT JOIN stock USING (warehouse, sku) GROUP BY sku",
        """
        SELECT m.sku, (SELECT sum(on_hand) FROM stock s WHERE s.sku = m.sku AND EXISTS (SELECT FROM moves o
        WHERE o.warehouse = s.warehouse AND o.sku = s.sku)), sum(moved) FROM moves m GROUP BY m.sku
        """,
    ),
    "inside a CTE": (
        f"""
        WITH sums AS (SELECT o.customer_id, sum(o.total) AS t {BOTH} GROUP BY o.customer_id) SELECT c.name,
        sums.t FROM sums JOIN customers c ON c.id = sums.customer_id
        """,
        f"""
        SELECT name, t FROM (SELECT customer_id, sum(total) AS t FROM orders o WHERE {SOLD} GROUP BY 1) s JOIN
        customers c ON c.id = s.customer_id
        """,
    ),
    "a CTE on the many side": (
        """
        WITH few AS (SELECT order_id, qty FROM order_lines WHERE qty < 5) SELECT sum(o.total), sum(f.qty) FROM
        orders o JOIN few f ON f.order_id = o.id
        """,
        """
        SELECT (SELECT sum(total) FROM orders o WHERE EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id
        AND qty < 5)), sum(qty) FROM order_lines WHERE qty < 5 AND order_id IN (SELECT id FROM orders)
        """,
    ),
    "nested in FROM": (
        f"SELECT max(d.t) FROM (SELECT o.status, sum(o.total) AS t {BOTH} GROUP BY o.status) d",
        f"SELECT max(t) FROM (SELECT sum(total) AS t FROM orders o WHERE {SOLD} GROUP BY status) d",
    ),
    "nested in a condition": (
        f"SELECT name FROM customers c WHERE credit < (SELECT sum(o.total) * 2 {BOTH} WHERE o.customer_id = c.id)",
        f"""
        SELECT name FROM customers c WHERE credit < (SELECT sum(total) * 2 FROM orders o WHERE {SOLD} AND
        o.customer_id = c.id)
        """,
    ),
    "a subquery in a condition": (
        f"""
        SELECT sum(o.total), sum(l.qty) {BOTH} WHERE EXISTS (SELECT 1 FROM products p WHERE p.id = l.product_id
        AND p.kind = 'tea') AND o.customer_id IN (SELECT id FROM customers WHERE region = 'north')
        """,
        """
        SELECT sum(total), sum(q)::bigint FROM (SELECT o.total, (SELECT sum(l.qty) FROM order_lines l JOIN
        products p ON p.id = l.product_id WHERE l.order_id = o.id AND p.kind = 'tea') AS q FROM orders o JOIN
        customers c ON c.id = o.customer_id AND c.region = 'north') d WHERE q IS NOT NULL
        """,
    ),
    "order and limit": (
        f"""
        SELECT o.customer_id, sum(o.total) {BOTH} GROUP BY o.customer_id ORDER BY sum(o.total) DESC NULLS LAST,
        1 LIMIT 2
        """,
        f"SELECT customer_id, sum(total) FROM orders o WHERE {SOLD} GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 LIMIT 2",
    ),
    "a running sum of groups": (
        f"""
        SELECT o.status, sum(sum(o.total)) OVER (ORDER BY o.status), rank() OVER (ORDER BY count(*) DESC) {BOTH}
        GROUP BY o.status
        """,
        f"""
        SELECT status, sum(sum(total)) OVER (ORDER BY status), rank() OVER (ORDER BY sum(n) DESC) FROM (SELECT
        o.*, (SELECT count(*) {OF_ORDER}) AS n FROM orders o) d WHERE n > 0 GROUP BY status
        """,
    ),
    "other aggregates of the one side": (
        f"""
        SELECT stddev(o.total), string_agg(o.status, '' ORDER BY o.id), percentile_cont(0.5) WITHIN GROUP (ORDER
        BY o.price) {BOTH}
        """,
        f"""
        SELECT stddev(total), string_agg(status, '' ORDER BY id), percentile_cont(0.5) WITHIN GROUP (ORDER BY
        price) FROM orders o WHERE {SOLD}
        """,
    ),
    "sums of every type": (
        f"""
        SELECT sum(o.big), sum(o.weight), sum(o.rate), sum(l.big), sum(l.share), sum(l.amount), bool_or(l.qty >
        7) {BOTH}
        """,
        f"""
        SELECT (SELECT sum(big) FROM orders o WHERE {SOLD}), (SELECT sum(weight) FROM orders o WHERE {SOLD}),
        (SELECT sum(rate) FROM orders o WHERE {SOLD}), sum(big), sum(share), sum(amount), bool_or(qty > 7) FROM
        order_lines WHERE order_id IN (SELECT id FROM orders)
        """,
    ),
    "many to many": (
        "SELECT sum(c.credit), max(v.seconds) FROM customers c JOIN visits v ON v.region = c.region",
        """
        SELECT sum(credit), (SELECT max(seconds) FROM visits WHERE region IN (SELECT region FROM customers))
        FROM customers WHERE region IN (SELECT region FROM visits)
        """,
    ),
    "counts beside a division": (
        """
        SELECT count(*), sum(o.total) IS NULL, count(o.total) + 5 * count(l.id) FROM customers c JOIN orders o
        ON o.customer_id = c.id JOIN order_lines l ON l.order_id = o.id WHERE c.name = 'ann' AND o.status =
        'open'
        """,
        "SELECT 2::bigint, false, 11::bigint",
    ),
    "orders without lines": (
        """
        SELECT o.status, count(l.id) = 0, sum(c.credit) FROM customers c JOIN orders o ON o.customer_id = c.id
        LEFT JOIN order_lines l ON o.id = l.order_id GROUP BY o.status
        """,
        """
        SELECT d.status, false, sum(credit) FROM (SELECT DISTINCT status, customer_id FROM orders) d JOIN
        customers c ON c.id = d.customer_id GROUP BY 1
        """,
    ),
}
"""What is asked, and a statement of the same answer: no join of it repeats a row."""

UNCORRECTED: Final = (
    f"SELECT sum(o.total) OVER (PARTITION BY o.status) {BOTH}",
    f"SELECT sum(o.total), string_agg(l.note, ',') {BOTH}",
    f"SELECT sum(o.total), array_agg(l.qty ORDER BY l.qty) {BOTH}",
    f"SELECT sum(o.total), stddev(l.qty) {BOTH}",
    f"SELECT sum(o.total), percentile_cont(0.5) WITHIN GROUP (ORDER BY l.qty) {BOTH}",
    f"SELECT sum(o.total), count(DISTINCT l.product_id) {BOTH}",
    f"SELECT sum(o.total), sum(l.share * o.total) {BOTH}",
    f"SELECT sum(o.total) FILTER (WHERE l.qty > 1) {BOTH}",
    f"SELECT sum(o.total) {BOTH} WHERE l.shipped > o.ordered",
    f"SELECT sum(o.total) {BOTH} WHERE l.qty > 1 OR o.status = 'paid'",
    f"SELECT sum(o.total) {BOTH} GROUP BY coalesce(l.note, o.status)",
    f"SELECT l.note, sum(o.total) {BOTH} GROUP BY ROLLUP (l.note)",
    "SELECT sum(o.total) FROM orders o RIGHT JOIN order_lines l ON l.order_id = o.id",
    "SELECT sum(o.total) FROM orders o FULL JOIN order_lines l ON l.order_id = o.id",
    "SELECT sum(o.total) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE l.qty IS NULL",
    """
    SELECT coalesce(l.note, 'none'), sum(o.total) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
    GROUP BY 1
    """,
    f"SELECT count(*) {BOTH} JOIN shipments s ON s.order_id = o.id",
    "SELECT sum(c.credit), sum(v.seconds) FROM customers c JOIN visits v ON v.region = c.region",
    "SELECT sum(a.fee), sum(b.fee) FROM agents a JOIN orders o ON o.seller = a.id JOIN agents b ON b.id = o.buyer",
    f"SELECT sum(p.price), sum(o.total) {BOTH} JOIN products p ON p.id = l.product_id",
    f"SELECT sum(o.total) {BOTH} JOIN (SELECT order_id, carrier FROM shipments LIMIT 5) s ON s.order_id = o.id",
    f"SELECT sum(o.total) {BOTH} JOIN unnest(ARRAY[o.status, 'x']) u(v) ON true",
)
"""What is warned of, and has no corrected form."""
