"""What the dashboard shows of the audit log."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import StatementTile


class AuditTile(BaseModel):
    """Seals of the audit log."""

    seals: int = Field(description="Seals so far.")
    sealed_rows: int = Field(description="Rows under them.")
    last_seal_age_seconds: float | None = Field(description="Since the last seal; null before the first.")
    oldest_unsealed_seconds: float = Field(description="Age of the oldest row that no seal covers.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "audit",
        AuditTile,
        """
        SELECT coalesce(l.number, 0) AS seals, coalesce(l.total, 0) AS sealed_rows,
            extract(epoch FROM clock_timestamp()) - l.sealed_at / 1e6 AS last_seal_age_seconds,
            greatest(coalesce(extract(epoch FROM clock_timestamp() - u.time), 0), 0) AS oldest_unsealed_seconds
        FROM (VALUES (1)) one
        LEFT JOIN LATERAL (
            SELECT number, total, sealed_at, horizon FROM spyne.audit_seals ORDER BY number DESC LIMIT 1) l ON true
        LEFT JOIN LATERAL (
            SELECT e.time FROM spyne.audit_log e WHERE e.transaction_id >= coalesce(l.horizon, 0)
            AND NOT EXISTS (SELECT FROM spyne.audit_sealed_entries m WHERE m.entry_id = e.id)
            ORDER BY e.transaction_id, e.id LIMIT 1) u ON true
        """,
    ),
)
