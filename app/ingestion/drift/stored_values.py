"""What is stored in columns, as far as a look at some rows tells: evidence for a rename that no catalog records."""

import math
import time
from collections.abc import Callable, Hashable, Sequence

from app.catalog.contracts.record import IngestionContract
from app.catalog.drift.change import Change, ChangeKind
from app.catalog.drift.renames import MAX_PAIRS
from app.catalog.drift.schema import ValueProfile
from app.catalog.drift.sketches import sketch_of
from app.ingestion.drift.batch_changes import batch_changes
from app.ingestion.rows.observations import Observed
from app.kernel.db.database import ReadSession
from app.warehouse.plan import RelationPlan
from app.warehouse.profile import first_texts

SAMPLED_ROWS = 10_000
"""Rows that are looked at: a sketch of 64 values tells two columns apart by far fewer."""


KEPT_SECONDS = 60.0
"""For how long a profile is taken for what is stored: in a column that no row brings, values come and go slowly."""

KEPT_PROFILES = 256


class RecentProfiles:
    """Profiles that were made lately, so that a sender's every batch does not have the same rows looked at again."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._made: dict[Hashable, tuple[float, ValueProfile]] = {}

    def get(self, key: Hashable) -> ValueProfile | None:
        """The profile of the key; None when none was made lately."""
        made, profile = self._made.get(key, (-math.inf, None))
        return profile if self._now() - made < KEPT_SECONDS else None

    def put(self, key: Hashable, profile: ValueProfile) -> None:
        """Keep the profile of the key, and of all others the newest ones."""
        self._made.pop(key, None)
        self._made[key] = (self._now(), profile)
        while len(self._made) > KEPT_PROFILES:
            del self._made[next(iter(self._made))]


_LATELY = RecentProfiles()


def _key(contract: IngestionContract, column: str) -> Hashable:
    return contract.contract.table_id, contract.contract.schema_version, column


async def changes_of_rows(
    session: ReadSession, contract: IngestionContract, observed: Observed, known: dict[str, ValueProfile]
) -> list[Change]:
    """The changes that rows suggest, renames told by what is stored in the columns that no row brings.

    Args:
        session: reads the relation, where a column is not known yet.
        contract: whose schema it is.
        observed: what decoding saw.
        known: what was stored before these rows were merged, by column; added to. Rows that were just merged have
            nulls in a column that is gone, which would speak against its new name.
    """
    changes = batch_changes(contract, observed)
    if contract.plan is None or not {ChangeKind.ADD, ChangeKind.REMOVE} <= {change.kind for change in changes}:
        return changes
    gone = [change.column for change in changes if change.kind is ChangeKind.REMOVE and change.column]
    if len(gone) * sum(change.kind is ChangeKind.ADD for change in changes) > MAX_PAIRS:
        return changes  # of so many no renames are inferred, whatever is stored
    lately = {name: _LATELY.get(_key(contract, name)) for name in gone if name not in known}
    known |= {name: profile for name, profile in lately.items() if profile is not None}
    made = await _profiles(session, contract.plan, [name for name in gone if name not in known])
    for name, profile in made.items():
        _LATELY.put(_key(contract, name), profile)
    known |= made
    return batch_changes(contract, observed, {name: known[name] for name in gone})


async def _profiles(session: ReadSession, plan: RelationPlan, names: Sequence[str]) -> dict[str, ValueProfile]:
    """The profile of each of these columns of the relation, from its first rows."""
    rows = await first_texts(session, plan.relation, names, SAMPLED_ROWS) if names else []
    profiles = {}
    for at, name in enumerate(names):
        values = [row[at] for row in rows if row[at] is not None]
        profiles[name] = ValueProfile(len(rows), len(rows) - len(values), sketch_of(values))
    return profiles
