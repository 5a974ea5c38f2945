"""Types of JSON objects whose fields stand at the top or in nested objects, made for a compiled decoder at run time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import attrgetter, length_hint, sub
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

    leaves: list[tuple[int, str, Leaf]] = field(default_factory=list)
    """Position among all fields, name in the text, field."""
    branches: dict[str, "_Branch"] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[int, Leaf]]:
        """All fields by their positions, those of nested objects too."""
        yield from ((number, leaf) for number, _, leaf in self.leaves)
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
        self._counters: list[Any] = []
        """Iterators whose next element is the default of something optional: how many are left says how often it was
        absent, at the cost of the default itself."""
        self._counted: list[tuple[int, ...]] = []
        """Of each of them: positions of the fields that are absent with it."""
        self._objects: list[tuple[Callable[[Any], Any], Any]] = []
        tree, places = _Branch(), []
        for number, leaf in enumerate(leaves):
            places.append(_planted(tree, number, leaf))
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

    def marks(self) -> list[int]:
        """Where the counters of absent fields stand now: what lies between two such marks, `left_out` says."""
        return [*map(length_hint, self._counters)]

    def left_out(self, before: Sequence[int], after: Sequence[int]) -> int:
        """How many optional fields were absent from the objects that were decoded between the marks."""
        if self.flat:
            return sum(before) - sum(after)
        counters = zip(self._counted, before, after, strict=True)
        return sum(len(fields) * (begin - end) for fields, begin, end in counters)

    def absent(self, before: Sequence[int], after: Sequence[int]) -> dict[int, int]:
        """The same by field: its position, and how many objects it was absent from; fields that all had are left out.

        A field is absent as well when an object around it is.
        """
        found: dict[int, int] = {}
        for fields, times in zip(self._counted, map(sub, before, after), strict=True):
            if times:
                found |= {number: found.get(number, 0) + times for number in fields}
        return found

    def _counter(self, default: Any, fields: tuple[int, ...]) -> Any:
        """What makes the default of something that is optional, and counts that."""
        self._counters.append(repeat(default, _MANY))
        self._counted.append(fields)
        return msgspec.field(default_factory=self._counters[-1].__next__)

    def _struct(self, tree: _Branch, place: tuple[str, ...], ignored: str | None = None) -> Any:
        fields: list[tuple[str, Any, Any]] = []
        renamed: dict[str, str] = {}
        for position, name, leaf in tree.leaves:
            renamed[f"f{position}"] = name
            default = msgspec.NODEFAULT if leaf.required else self._counter(self._absent_value, (position,))
            fields.append((f"f{position}", leaf.type, default))
        for number, (name, branch) in enumerate(tree.branches.items()):
            attribute = f"o{number}"
            renamed[attribute] = name
            inner, empty = self._struct(branch, (*place, attribute)), None
            default = msgspec.NODEFAULT
            if not any(leaf.required for _, leaf in branch):
                empty = msgspec.convert({}, type=inner)
                default = self._counter(empty, tuple(position for position, _ in branch))
            fields.append((attribute, inner, default))
            self._objects.append((attrgetter(".".join((*place, attribute))), empty))
        if ignored is not None:
            renamed["ignored"] = ignored
            fields.append(("ignored", Any, None))
        return msgspec.defstruct(
            "Row", fields, rename=renamed, forbid_unknown_fields=self._strict, kw_only=True, gc=False
        )


def _planted(tree: _Branch, position: int, leaf: Leaf) -> str:
    """Where the field is found in a decoded object, now that it stands in the tree."""
    place = []
    for name in leaf.path[:-1]:
        tree.branches.setdefault(name, _Branch())
        place.append(f"o{list(tree.branches).index(name)}")
        tree = tree.branches[name]
    tree.leaves.append((position, leaf.path[-1], leaf))
    return ".".join([*place, f"f{position}"])


def _single(get: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda row: (get(row),)
