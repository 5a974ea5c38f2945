"""What upper planes hand down: a plane defines a small collection of its protocol's implementations and finds it here.

`app/wiring.py` fills it; whoever holds the process's resources asks `resources.extensions.of(ExportSources)`.
"""

from typing import TypeVar, cast

Part = TypeVar("Part")


class Extensions:
    """Collections by their type, one of each."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: object) -> None:
        self._parts = {type(part): part for part in parts}

    def add(self, *parts: object) -> None:
        """Hand in what is made only after the process's resources."""
        self._parts |= {type(part): part for part in parts}

    def of(self, kind: type[Part]) -> Part:
        """The collection of this type. Raises `LookupError` when the registry hands none in: a bug."""
        found = self._parts.get(kind)
        if found is None:
            raise LookupError(f"The registry hands in no {kind.__name__}.")
        return cast("Part", found)
