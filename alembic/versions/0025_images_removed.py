"""Before-images go by whole batches: since when those of a batch are gone, and indexes on what still has some."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SELECT and UPDATE are granted on the whole table, so the runtime role may read and set the new column.
    op.add_column(
        "ingestion_history",
        sa.Column(
            "images_removed_at",
            sa.DateTime(timezone=True),
            comment="When retention removed its before-images, all at once: it cannot be taken back any more",
        ),
        schema="spyne",
    )
    op.create_index(
        "ix_ingestion_history_images",
        "ingestion_history",
        ["contract_id", "merge_order"],
        schema="spyne",
        postgresql_where=sa.text("images_removed_at IS NULL AND merge_order IS NOT NULL AND images IS DISTINCT FROM 0"),
    )
    op.create_index(
        "ix_ingestion_runs_open",
        "ingestion_runs",
        ["id"],
        schema="spyne",
        postgresql_where=sa.text("status IN ('PENDING', 'RUNNING')"),
    )


def downgrade() -> None:
    op.drop_index("ix_ingestion_runs_open", "ingestion_runs", schema="spyne")
    op.drop_index("ix_ingestion_history_images", "ingestion_history", schema="spyne")
    op.drop_column("ingestion_history", "images_removed_at", schema="spyne")
