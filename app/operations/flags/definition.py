"""What a flag is: its variants, and the ordered rules that choose one of them. Data, made from stored documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

Comparable = tuple[bool, Any]
"""Whether the value is a truth value, and the value: in Python 1 equals True, in JSON it does not."""


class FlagType(StrEnum):
    """What all values of a flag are."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    OBJECT = "object"


class Subject(StrEnum):
    """What a condition looks at."""

    ROLE = "role"
    USER = "user"
    CLIENT = "client"
    ATTRIBUTE = "attribute"


class Operator(StrEnum):
    """How a condition compares."""

    IN = "in"
    VERSION_AT_LEAST = "version_at_least"
    VERSION_BELOW = "version_below"


LOOKED_AT: Mapping[Subject, tuple[str, ...]] = MappingProxyType(
    {Subject.ROLE: ("roles",), Subject.USER: ("user_id", "user_name"), Subject.CLIENT: ("client_id", "client_name")}
)
"""Attributes of the context by subject; those of an `attribute` are named by the condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when one of the context's attributes compares as wanted with one of the values."""

    attributes: tuple[str, ...]
    operator: Operator
    values: frozenset[Comparable]
    version: str = ""
    """The version to compare with, for the operators of versions."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Buckets from `start` up to before `end` that have a variant."""

    variant: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Chooses when all of its conditions hold: one variant, or one by the bucket of the targeting key."""

    name: str
    conditions: tuple[Condition, ...]
    variant: str | None
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is evaluated."""

    key: str
    type: FlagType
    variants: Mapping[str, Any]
    default_variant: str
    off_variant: str
    enabled: bool
    rules: tuple[Rule, ...]
    version: int


def comparable(value: Any) -> Comparable:
    """The value as conditions compare it."""
    return isinstance(value, bool), value


def condition(document: Mapping[str, Any]) -> Condition:
    """A condition from its checked document. Raises `ValueError` or `KeyError` for one of another version."""
    subject, operator = Subject(document["subject"]), Operator(document.get("operator", Operator.IN))
    attributes = LOOKED_AT.get(subject) or (str(document["attribute"]),)
    values = document["values"]
    if operator is Operator.IN:
        return Condition(attributes, operator, frozenset(comparable(value) for value in values))
    return Condition(attributes, operator, frozenset(), str(values[0]))


def rule(document: Mapping[str, Any]) -> Rule:
    """A rule from its stored document. Raises as `condition`."""
    return Rule(
        document["name"],
        tuple(condition(each) for each in document.get("when", ())),
        document.get("variant"),
        slots_of(document.get("slots", ())),
    )


def slots_of(stored: Sequence[Sequence[Any]]) -> tuple[Slot, ...]:
    """Slots as they are stored: lists of variant, start and end."""
    return tuple(Slot(str(variant), int(start), int(end)) for variant, start, end in stored)
