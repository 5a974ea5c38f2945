"""Events of notifications themselves."""

from typing import Final

from app.kernel.ports.events import EventKind

MESSAGE: Final = EventKind("notify:message", "An admin has sent a message.")
TEST: Final = EventKind("notify:test", "An admin has tried a channel.")
CHANNEL_DISABLED: Final = EventKind("notify:channel-disabled", "A channel was switched off because it does not work.")

EVENT_KINDS: Final = (MESSAGE, TEST, CHANNEL_DISABLED)
