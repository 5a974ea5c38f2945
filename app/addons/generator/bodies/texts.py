"""The texts that a class of bodies looks at."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The events, and of each the text that is looked at: behind the header, or the whole event.

    `source` is the field that holds the text at search time; None: the whole event. A text of None is not looked at.
    """

    events: Sequence[str]
    bodies: Sequence[str | None]
    source: str | None = None

    @property
    def filled(self) -> list[tuple[int, str]]:
        """Each event's index and text, where there is one."""
        return [(index, body) for index, body in enumerate(self.bodies) if body is not None and body.strip()]

    def without(self, claimed: frozenset[int]) -> "Texts":
        """The same without the texts that are understood."""
        bodies = [None if index in claimed else body for index, body in enumerate(self.bodies)]
        return Texts(self.events, bodies, self.source)

    @property
    def source_key(self) -> dict[str, str]:
        """The setting of transforms.conf that names the field; none for the whole event."""
        return {} if self.source is None else {"SOURCE_KEY": self.source}
