"""What a change of state does to the rows that queries find under a name, and when that must be confirmed. Pure.

A version that takes the name of another one brings its own rows. With none, or with fewer than half of those that are
served now, it is likely the wrong version or one that was not filled yet: that is done only by who has seen it said.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.problems import Conflict
from app.warehouse.inspection import Measurement


class RowLoss(StrEnum):
    """How much fewer rows queries would find."""

    ALL = "all"
    MOST = "most"


class ConfirmationNeeded(Conflict):
    """The change would take rows from queries, and nobody has said that this is meant."""

    code, title = "confirmation-needed", "The change takes rows from queries and needs to be confirmed"


@dataclass(frozen=True, slots=True)
class ServedRows:
    """The rows behind a name before a change of state and after it; None where there is no version, or none to read."""

    name: str
    before: str | None
    """Label of the version that queries read before, `orders@1`; None when there is none."""
    after: str | None
    now: Measurement | None
    then: Measurement | None

    @property
    def loss(self) -> RowLoss | None:
        """Whether the version that takes the name has no rows, or fewer than half of those that are served now."""
        if self.after is None or self.now is None or self.then is None or 2 * self.then.rows >= self.now.rows:
            return None
        return RowLoss.MOST if self.then.rows else RowLoss.ALL

    @property
    def words(self) -> str:
        """What queries find now and then: `Queries of orders read orders@1 with 3 rows now, and then orders@2 …`."""
        now = f"read {self.before} with {_rows(self.now)}" if self.before else "find nothing"
        then = f"read {self.after} with {_rows(self.then)}" if self.after else "find nothing by its name alone"
        return f"Queries of {self.name} {now} now; then they {then}."

    def require_confirmed(self, plan_hash: str, *, confirmed: bool) -> None:
        """Return when the change takes no rows from queries, or is confirmed. Raises `ConfirmationNeeded`."""
        if self.loss is None or confirmed:
            return
        raise ConfirmationNeeded(
            f'{self.words} If that is meant, send "confirm": true with this "plan_hash".',
            plan_hash=plan_hash,
            rows_now=self.now and self.now.rows,
            rows_then=self.then and self.then.rows,
        )


def _rows(measured: Measurement | None) -> str:
    if measured is None:
        return "an unknown number of rows"
    about = "" if measured.exact else "about "
    return f"{about}{measured.rows:,} row" + ("" if measured.rows == 1 else "s")
