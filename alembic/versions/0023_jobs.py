"""Jobs: each knows who caused it, so that people see their own."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "job_runs",
        sa.Column(
            "actor_kind",
            sa.Text(),
            nullable=True,
            comment="user, api_client or system; null for jobs from before it was kept",
        ),
        schema="spyne",
    )
    op.add_column(
        "job_runs",
        sa.Column("actor_id", sa.Uuid(), nullable=True, comment="Id of who caused it; null for the system"),
        schema="spyne",
    )
    op.create_index(
        "ix_job_runs_actor_id",
        "job_runs",
        ["actor_id", "id"],
        schema="spyne",
        postgresql_where=sa.text("actor_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_job_runs_actor_id", "job_runs", schema="spyne")
    op.drop_column("job_runs", "actor_id", schema="spyne")
    op.drop_column("job_runs", "actor_kind", schema="spyne")
