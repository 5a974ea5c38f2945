<%!
def sentence(message):
    """The message as a docstring can hold it."""
    return message.replace("\\", "/").replace('"', "'").strip().rstrip(".") + "."


def plain(statements):
    """The statements without Alembic's remarks around them."""
    kept = [line for line in (statements or "").splitlines() if not line.strip().startswith("# ###")]
    return "\n".join(kept).strip() or "pass"
%>\
"""${sentence(message)}"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${plain(upgrades)}


def downgrade() -> None:
    ${plain(downgrades)}
