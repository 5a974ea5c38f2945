"""The fields of one event while they are extracted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_FIELDS = 2_000
MAX_VALUES = 1_000
"""Fields of an event, and values of a field: more are not kept, so that one event stays bounded."""


@dataclass
class EventFields:
    """Values by field, in the order of extraction; `extracted` are the fields that an extraction has yielded."""

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    extracted: set[str] = field(default_factory=set)

    def extract(self, name: str, value: str) -> None:
        """Keep the value unless the field exists: the first extraction of a field wins."""
        if name and name not in self.values and len(self.values) < MAX_FIELDS:
            self.values[name] = (value,)
            self.extracted.add(name)

    def append(self, name: str, value: str) -> None:
        """Add the value to those that the field has (MV_ADD, arrays of JSON, repeated elements)."""
        if name not in self.values:
            self.extract(name, value)
        elif len(self.values[name]) < MAX_VALUES:
            self.values[name] = (*self.values[name], value)
            self.extracted.add(name)

    def put(self, name: str, values: tuple[str, ...]) -> None:
        """Set the field to the values, or unset it where there are none: an alias, a calculated field, a lookup."""
        self.extracted.discard(name)
        if not values:
            self.values.pop(name, None)
        elif name and (name in self.values or len(self.values) < MAX_FIELDS):
            self.values[name] = values[:MAX_VALUES]

    def extract_all(self, found: Mapping[str, Iterable[str]]) -> None:
        """Keep all values of the fields that do not exist yet."""
        for name, values in found.items():
            kept = tuple(values)[:MAX_VALUES]
            if name and kept and name not in self.values and len(self.values) < MAX_FIELDS:
                self.values[name] = kept
                self.extracted.add(name)

    def extract_again(self, found: Mapping[str, Iterable[str]], indexed: Mapping[str, tuple[str, ...]]) -> None:
        """Keep all values; a field that was indexed gets them beside its own, as Splunk extracts it twice."""
        for name, values in found.items():
            if name in indexed and name in self.values:
                self.values[name] = (*self.values[name], *values)[:MAX_VALUES]
                self.extracted.add(name)
            else:
                self.extract_all({name: values})
