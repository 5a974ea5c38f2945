"""Which version a name stands for, in plain Python: the reference of `TableReads.queryable`, which says it in SQL.

`tests/catalog/tables/test_queries_during_promotion.py` holds the two together.
"""

from collections.abc import Iterable

from app.catalog.tables.lifecycle import TableState, resolution_order


def resolve(versions: Iterable[tuple[int, TableState]], *, include_deprecated: bool) -> int | None:
    """The version that a name stands for in a query, the newest among equals; None when there is none."""
    order = resolution_order(include_deprecated=include_deprecated)
    candidates = [(order.index(state), -version) for version, state in versions if state in order]
    return -min(candidates)[1] if candidates else None
