"""Views of decisions that every process keeps in memory, declared by the domain that reads them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.kernel.ports.catalogue import Catalogue
from app.kernel.runtime.resources import Resources


@dataclass(frozen=True, slots=True)
class Watched:
    """A view of decisions that every process keeps in memory."""

    key: str
    """The key in `system_config`, whose version rises with every change."""
    refresh: Callable[[Resources], Awaitable[None]]
    """Reads the view again."""


class WatchedDecisions(Catalogue[Watched]):
    """Every view that is watched."""

    naming = "key"
