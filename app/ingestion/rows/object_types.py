"""Types of JSON objects whose fields stand at the top or in nested objects, made for a compiled decoder at run time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import attrgetter, length_hint
from typing import Any

import msgspec

from app.warehouse.sources import FieldPath

_MANY = 1 << 62
_astuple = msgspec.structs.astuple


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is read, and where it stands."""

    path: FieldPath
    type: Any
    required: bool


@dataclass(slots=True)
class _Branch:
    """An object, and what is read of it."""

    leaves: list[tuple[str, str, Leaf]] = field(default_factory=list)
    """Attribute, name in the text, field."""
    branches: dict[str, "_Branch"] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Leaf]:
        """All fields, those of nested objects too."""
        yield from (leaf for _, _, leaf in self.leaves)
        for branch in self.branches.values():
            yield from branch


class ObjectType:
    """The type of an object, and how its fields are taken out."""

    def __init__(self, leaves: Sequence[Leaf], *, strict: bool, ignored: str | None = None, absent: Any = None) -> None:
        """Build the type.

        Args:
            leaves: the fields, in the order in which `values` gives them.
            strict: whether an object with other fields is refused, a nested one as well.
            ignored: a field at the top that may come and is not taken.
            absent: the value of a field that is left out.
        """
        self.flat = all(len(leaf.path) == 1 for leaf in leaves)
        self.ignoring = ignored is not None
        self._strict = strict
        self._absent_value = absent
        self._absent: list[tuple[Any, int]] = []
        self._objects: list[tuple[Callable[[Any], Any], Any]] = []
        tree, places = _Branch(), []
        for number, leaf in enumerate(leaves):
            places.append(_planted(tree, f"f{number}", leaf))
        self.type = self._struct(tree, (), ignored)
        self._values = attrgetter(*places) if len(places) > 1 else _single(attrgetter(places[0]))

    def numbered(self, rows: Iterable[Any], first: int) -> list[tuple[Any, ...]]:
        """The fields of decoded objects, each behind its number, counted from the first one."""
        if self.flat and self.ignoring:
            return [(number, *_astuple(row)[:-1]) for number, row in enumerate(rows, first)]
        values = _astuple if self.flat else self._values
        return [(number, *values(row)) for number, row in enumerate(rows, first)]

    def fields(self, rows: Iterable[Any]) -> Iterator[Any]:
        """The fields of decoded objects, of which none is ignored, one after another."""
        return chain.from_iterable(map(_astuple if self.flat else self._values, rows))

    def objects(self, rows: Sequence[Any]) -> int:
        """How many nested objects have come."""
        return sum(1 for place, empty in self._objects for found in map(place, rows) if found is not empty)

    def left_out(self) -> int:
        """How many optional fields decoded objects have left out so far."""
        return sum(fields * (_MANY - length_hint(counter)) for counter, fields in self._absent)

    def _struct(self, tree: _Branch, place: tuple[str, ...], ignored: str | None = None) -> Any:
        fields: list[tuple[str, Any, Any]] = []
        renamed: dict[str, str] = {}
        if any(not leaf.required for _, _, leaf in tree.leaves):
            missing = repeat(self._absent_value, _MANY)
            self._absent.append((missing, 1))
        for attribute, name, leaf in tree.leaves:
            renamed[attribute] = name
            default = msgspec.NODEFAULT if leaf.required else msgspec.field(default_factory=missing.__next__)
            fields.append((attribute, leaf.type, default))
        for number, (name, branch) in enumerate(tree.branches.items()):
            attribute = f"o{number}"
            renamed[attribute] = name
            inner, empty = self._struct(branch, (*place, attribute)), None
            default = msgspec.NODEFAULT
            if not any(leaf.required for leaf in branch):
                empty = msgspec.convert({}, type=inner)
                without = repeat(empty, _MANY)
                self._absent.append((without, sum(1 for _ in branch)))
                default = msgspec.field(default_factory=without.__next__)
            fields.append((attribute, inner, default))
            self._objects.append((attrgetter(".".join((*place, attribute))), empty))
        if ignored is not None:
            renamed["ignored"] = ignored
            fields.append(("ignored", Any, None))
        return msgspec.defstruct(
            "Row", fields, rename=renamed, forbid_unknown_fields=self._strict, kw_only=True, gc=False
        )


def _planted(tree: _Branch, attribute: str, leaf: Leaf) -> str:
    """Where the field is found in a decoded object, now that it stands in the tree."""
    place = []
    for name in leaf.path[:-1]:
        tree.branches.setdefault(name, _Branch())
        place.append(f"o{list(tree.branches).index(name)}")
        tree = tree.branches[name]
    tree.leaves.append((attribute, leaf.path[-1], leaf))
    return ".".join([*place, attribute])


def _single(get: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda row: (get(row),)
