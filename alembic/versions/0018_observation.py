"""Observation: jobs carry the trace that caused them; samples of the service's metrics."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "job_runs",
        sa.Column("traceparent", sa.Text(), nullable=True, comment="The span which caused it (W3C Trace Context)"),
        schema="spyne",
    )
    op.create_table(
        "spyne_metrics",
        sa.Column("name", sa.Text(), nullable=False, comment="Name in /metrics, such as spyne_queue_depth"),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False, comment="End of the sampled minute"),
        sa.Column("process", sa.Text(), nullable=False, comment="Id of the process that told it"),
        sa.Column("labels", postgresql.JSONB(), nullable=False, comment="Labels of the series"),
        sa.Column(
            "value", sa.Float(), nullable=False, comment="Gauges: the value then; counters: what the minute added"
        ),
        sa.PrimaryKeyConstraint("name", "sampled_at", "process", "labels", name="pk_spyne_metrics"),
        schema="spyne",
        comment="Samples of the service's metrics, once a minute; unchanged series have none",
    )
    op.create_index("ix_spyne_metrics_sampled_at", "spyne_metrics", ["sampled_at"], schema="spyne")
    grant("spyne_metrics", "SELECT, INSERT, DELETE")


def downgrade() -> None:
    op.drop_table("spyne_metrics", schema="spyne")
    op.drop_column("job_runs", "traceparent", schema="spyne")
