"""Uses of decoy keys are noted. The answer is the one that every unknown key gets."""

from app.access.credentials.keys import digest_of
from app.audit.log.origin import client_address
from app.kernel.security.authorization import DecoyKeys
from app.kernel.security.security_events import EventKind, NotesEvents

SHOWN = 16
"""Characters of a key which are no secret: `spy_` and its prefix."""


def note_decoy(text: str, decoys: DecoyKeys, events: NotesEvents) -> None:
    """Note the use of a key that was found unknown, if it is a decoy. The work is the same if it is none."""
    if decoys.is_decoy(digest_of(text)):
        events.note(EventKind.DECOY_KEY, address=client_address(), detail={"prefix": text[4:SHOWN]})
