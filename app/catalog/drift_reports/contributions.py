"""What the dashboard shows of drift."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import StatementTile


class DriftTile(BaseModel):
    """Drift that waits for a decision, and what was decided lately."""

    open: int = Field(description="Reports that wait for a decision.")
    breaking: int = Field(description="Those of them by which something fails or means another.")
    found_last_day: int = Field(description="Reports that were made within the last day.")
    resolved_last_day: int = Field(description="Reports that were decided within the last day, or applied.")
    tables: int = Field(description="Versions of tables with an open report.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "drift",
        DriftTile,
        """
        SELECT count(*) FILTER (WHERE status = 'open') AS open,
            count(*) FILTER (WHERE status = 'open' AND severity = 'BREAKING') AS breaking,
            count(*) FILTER (WHERE created_at > now() - interval '1 day') AS found_last_day,
            count(*) FILTER (WHERE resolved_at > now() - interval '1 day') AS resolved_last_day,
            count(DISTINCT table_id) FILTER (WHERE status = 'open') AS tables
        FROM spyne.drift_reports
        WHERE status = 'open' OR created_at > now() - interval '1 day' OR resolved_at > now() - interval '1 day'
        """,
    ),
)
