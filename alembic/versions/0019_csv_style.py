"""How the CSV of an export is written."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "export_jobs",
        sa.Column(
            "csv_formulas",
            sa.Text(),
            nullable=False,
            server_default=sa.text("'guard'"),
            comment="guard or plain: formulas in CSV",
        ),
        schema="spyne",
    )
    op.add_column(
        "export_jobs",
        sa.Column(
            "csv_bom",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="Whether CSV begins with a BOM",
        ),
        schema="spyne",
    )
    op.create_check_constraint(
        "ck_export_jobs_csv_formulas", "export_jobs", "csv_formulas IN ('guard', 'plain')", schema="spyne"
    )


def downgrade() -> None:
    op.drop_column("export_jobs", "csv_bom", schema="spyne")
    op.drop_column("export_jobs", "csv_formulas", schema="spyne")
