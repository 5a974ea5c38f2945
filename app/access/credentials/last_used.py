"""When keys were used last, to the minute: noted in memory on every request, written now and then, all at once."""

from datetime import datetime
from uuid import UUID

from app.access.credentials.repository import CredentialWrites
from app.kernel.problems import Unavailable
from app.kernel.runtime.resources import Resources


class KeysLastUsed:
    """The uses that are not written yet. Bounded by the number of keys, since only valid ones are noted."""

    __slots__ = ("_noted", "_written")

    def __init__(self) -> None:
        self._noted: dict[UUID, datetime] = {}
        self._written: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, now: datetime) -> None:
        """Remember a use."""
        self._noted[key_id] = now

    def take(self) -> dict[UUID, datetime]:
        """The minutes that are to be written, by key, in the order of the keys; they count as written from now on."""
        noted, self._noted = self._noted, {}
        minutes = {key_id: at.replace(second=0, microsecond=0) for key_id, at in noted.items()}
        fresh = {key_id: minutes[key_id] for key_id in sorted(minutes) if self._written.get(key_id) != minutes[key_id]}
        self._written = {key_id: at for key_id, at in self._written.items() if key_id in minutes} | fresh
        return fresh

    def give_back(self, taken: dict[UUID, datetime]) -> None:
        """Remember what was taken and could not be written, unless the key was used again since."""
        for key_id, at in taken.items():
            self._written.pop(key_id, None)
            self._noted.setdefault(key_id, at)


async def write_last_used(resources: Resources, uses: KeysLastUsed) -> int:
    """The number of keys whose last use was written, in one statement. What cannot be written is kept for later.

    Nothing is written while the shield is up: the session refuses it, which is no failure.
    """
    taken = uses.take()
    if not taken:
        return 0
    try:
        async with resources.database.write() as session:
            await CredentialWrites(session).note_last_used(taken)
    except Unavailable:
        uses.give_back(taken)
        return 0
    except BaseException:
        uses.give_back(taken)
        raise
    return len(taken)
