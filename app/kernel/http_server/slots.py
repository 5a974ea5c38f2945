"""How the connection reports to the door that an answer only waits for its reader: the slot is free from then on."""

from typing import Final, Protocol

SLOT: Final = "spyne.slot"
"""The key in the ASGI scope under which the door leaves the request's slot."""


class Slot(Protocol):
    """A place among the requests that are served at once."""

    def release(self) -> None:
        """Give the place back; nothing happens when it was given back before."""
