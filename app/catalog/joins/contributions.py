"""What joins contribute: a tile, what relies on tables, and how long usage is kept."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE
from app.kernel.ports.dashboard import StatementTile
from app.kernel.ports.dependants import DependantSource, StatementSource
from app.kernel.ports.retention import Default
from app.kernel.ports.retention_rows import RowsTarget


class JoinsTile(BaseModel):
    """Joins that are in force, and candidates that wait for a decision."""

    accepted: int = Field(description="Joins in force.")
    decayed: int = Field(description="Those of them that do not hold any more as they were accepted.")
    suggested: int = Field(
        description=f"Candidates of a score of {DEFAULT_MIN_SCORE} or more that nobody has decided about."
    )
    used_last_day: int = Field(description="Uses of joins by executions within the last day.")
    not_looked_at: int = Field(description="Tables that could not be looked at, the last time.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "joins",
        JoinsTile,
        f"""
        SELECT (SELECT count(*) FROM spyne.accepted_joins WHERE status = 'active') AS accepted,
            (SELECT count(*) FROM spyne.accepted_joins WHERE status = 'active' AND decay <> '[]') AS decayed,
            (SELECT count(*) FROM spyne.join_candidates c WHERE status = 'suggested'
                AND score >= {DEFAULT_MIN_SCORE:f} AND NOT EXISTS (
                SELECT 1 FROM spyne.accepted_joins j WHERE j.join_id = c.id AND j.status = 'active')) AS suggested,
            (SELECT count(*) FROM spyne.join_usage WHERE used_at > now() - interval '1 day') AS used_last_day,
            (SELECT count(*) FROM spyne.join_evidence WHERE failure IS NOT NULL) AS not_looked_at
        """,  # noqa: S608 - the number is ours
    ),
)

DEPENDANTS: Final[tuple[DependantSource, ...]] = (
    StatementSource(
        "joins",
        kind="join",
        lasting=True,
        sql="""
        SELECT j.join_id AS id, format('join %s@%s of %s and %s, accepted by %s', j.join_id, j.version, j.left_table,
                j.right_table, j.accepted_by) AS label,
            j.accepted_by AS by, j.created_at AS at
        FROM spyne.tables t JOIN spyne.accepted_joins j ON t.name IN (j.left_table, j.right_table)
        WHERE t.id = CAST(:table_id AS uuid) AND j.status = 'active'
        ORDER BY j.join_id LIMIT :most
        """,
    ),
)
"""Joins in force of the table's logical name: whichever version has the name is what they join."""

TARGETS: Final = (
    RowsTarget(
        category="join_usage",
        description="Uses of accepted joins by executions, by when they were.",
        default=Default(365),
        table="spyne.join_usage",
        key=(("execution_id", "uuid"), ("join_id", "text"), ("version", "integer")),
        time="t.used_at",
        removable="true",
        fields={},
    ),
)
