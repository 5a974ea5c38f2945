"""What a hold covers, as SQL: a condition that stands within the statement which counts or removes. Pure."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import func, select

from app.kernel.db.database import WriteSession

TIMES: Final = ("since", "until")


def held(category: str, time: str, fields: Mapping[str, str]) -> str:
    """SQL condition: an open hold of the category covers the row; `fields` is SQL by what a filter may name."""
    conditions = [
        f"(h.filter->>'since' IS NULL OR {time} >= CAST(h.filter->>'since' AS timestamptz))",
        f"(h.filter->>'until' IS NULL OR {time} < CAST(h.filter->>'until' AS timestamptz))",
        *(
            f"(h.filter->>'{name}' IS NULL OR CAST({sql} AS text) = h.filter->>'{name}')"
            for name, sql in fields.items()
        ),
    ]
    return (
        f"EXISTS (SELECT 1 FROM spyne.retention_holds h WHERE h.category = '{category}' "  # noqa: S608 - names of ours
        f"AND h.released_at IS NULL AND {' AND '.join(conditions)})"
    )


_LOCK = "spyne.retention:"


async def lock_category(session: WriteSession, category: str) -> None:
    """Keep steps of runs and new holds of the category waiting until the transaction ends.

    So a hold that has been answered is seen by every step that begins after it, and none is half-way through.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{_LOCK}{category}", 0))))
