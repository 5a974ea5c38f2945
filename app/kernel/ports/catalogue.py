"""A catalogue: things of one kind that domains contribute, each under a name of its own."""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import ClassVar, Generic, TypeVar

Item = TypeVar("Item")


class TwiceNamedError(ValueError):
    """Two contributions of one kind share a name: a bug."""


class Catalogue(Generic[Item]):
    """The things of one kind, by name, in the order of the domains."""

    naming: ClassVar[str] = "name"
    """The attribute that names an item."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        """Raises `TwiceNamedError`."""
        self._items: dict[str, Item] = {}
        name_of = attrgetter(self.naming)
        for item in items:
            name = name_of(item)
            if self._items.setdefault(name, item) is not item:
                raise TwiceNamedError(f"Two entries of {type(self).__name__} are called {name}.")

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def names(self) -> list[str]:
        """The names, in the order of the alphabet."""
        return sorted(self._items)

    def get(self, name: str) -> Item | None:
        """The item of this name, or None."""
        return self._items.get(name)
