"""What the dashboard shows of the catalog."""

from typing import Any, Final

from pydantic import BaseModel, Field, Json

from app.kernel.ports.dashboard import StatementTile


class CatalogTile(BaseModel):
    """Tables and contracts."""

    tables: dict[str, int] | Json[dict[str, int]] = Field(description="Versions of tables, by state.")
    contracts: int = Field(description="Contracts.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "catalog",
        CatalogTile,
        """
        SELECT (SELECT coalesce(jsonb_object_agg(state, versions), '{}')::text FROM (
                SELECT state, count(*) AS versions FROM spyne.tables GROUP BY state) counted) AS tables,
            (SELECT count(*) FROM spyne.contracts) AS contracts
        """,
    ),
)
