"""What the dashboard shows of queries."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import StatementTile


class QueryTile(BaseModel):
    """Previews and executions of the last hour."""

    previews: int = Field(description="Previews.")
    executions: int = Field(description="Executions.")
    running: int = Field(description="Executions under way.")
    failed: int = Field(description="Executions that failed.")
    mean_seconds: float | None = Field(description="Mean time of the executions that are over.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "query",
        QueryTile,
        """
        SELECT (SELECT count(*) FROM spyne.query_previews WHERE id > uuidv7(interval '-1 hour')) AS previews,
            count(*) AS executions, count(*) FILTER (WHERE outcome = 'running') AS running,
            count(*) FILTER (WHERE outcome = 'failed') AS failed, avg(seconds) AS mean_seconds
        FROM spyne.query_executions WHERE id > uuidv7(interval '-1 hour')
        """,
    ),
)
