"""Which value a flag has for a context: pure, and total but for contexts that cannot be read.

Off is the off variant. On, the first rule whose conditions hold chooses; a split that gives the targeting key nothing
lets the next rule try; the default variant is what remains. Errors are OpenFeature's own, so its SDK and OFREP report
them as they are.

Who is in a percentage is the same everywhere and for ever: a variant keeps its buckets while its percentage grows,
whatever the others do; what it gains was free, or given up.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from openfeature.exception import InvalidContextError, TargetingKeyMissingError
from openfeature.flag_evaluation import Reason

from app.operations.flags.definition import Condition, Flag, Operator, Rule, Slot, comparable

BUCKETS = 10_000
"""Percentages have two decimals."""
_NUMBER = r"(0|[1-9]\d{0,17})"
_PART = r"(?:0|[1-9]\d{0,17}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
MAX_VERSION_LENGTH = 256

VersionOrder = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


@dataclass(frozen=True, slots=True)
class Context:
    """Whom a flag is evaluated for."""

    targeting_key: str | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a flag has for a context, and why."""

    value: Any
    variant: str
    reason: Reason
    version: int
    rule: str | None = None
    """The rule that chose it."""

    @property
    def metadata(self) -> dict[str, bool | int | float | str]:
        """The `version` of the flag, and the `rule` that chose if one did."""
        named = {"version": self.version, "rule": self.rule}
        return {name: value for name, value in named.items() if value is not None}


def evaluate(flag: Flag, context: Context) -> Evaluation:
    """The flag's value here.

    Raises:
        TargetingKeyMissingError: a split decides, and the context does not say for whom.
        InvalidContextError: an attribute that a rule looks at is not of the kind that it needs.
    """
    if not flag.enabled:
        return _chosen(flag, flag.off_variant, Reason.DISABLED)
    if not flag.rules:
        return _chosen(flag, flag.default_variant, Reason.STATIC)
    for rule in flag.rules:
        if not all(_holds(condition, context.attributes) for condition in rule.conditions):
            continue
        if rule.variant is not None:
            return _chosen(flag, rule.variant, Reason.TARGETING_MATCH, rule.name)
        variant = _split(flag.key, rule, context)
        if variant is not None:
            return _chosen(flag, variant, Reason.SPLIT, rule.name)
    return _chosen(flag, flag.default_variant, Reason.DEFAULT)


def _chosen(flag: Flag, variant: str, reason: Reason, rule: str | None = None) -> Evaluation:
    return Evaluation(flag.variants[variant], variant, reason, flag.version, rule)


def _split(flag_key: str, rule: Rule, context: Context) -> str | None:
    if not context.targeting_key:
        raise TargetingKeyMissingError(f"The rule {rule.name!r} splits by the targeting key, and there is none.")
    place = bucket(flag_key, context.targeting_key)
    for slot in rule.slots:
        if slot.start <= place < slot.end:
            return slot.variant
    return None


def _holds(condition: Condition, attributes: Mapping[str, Any]) -> bool:
    for name in condition.attributes:
        value = attributes.get(name)
        if value is None:
            continue
        if condition.operator is Operator.IN:
            if _is_in(value, condition, name):
                return True
        elif _compares(value, condition, name):
            return True
    return False


def _is_in(value: Any, condition: Condition, name: str) -> bool:
    if isinstance(value, (str, int, float)):
        return comparable(value) in condition.values
    if isinstance(value, Sequence) and all(isinstance(each, (str, int, float)) for each in value):
        return any(comparable(each) in condition.values for each in value)
    raise InvalidContextError(f"The attribute {name!r} is neither a text, number or truth value nor a list of such.")


def _compares(value: Any, condition: Condition, name: str) -> bool:
    ours = version_order(value) if isinstance(value, str) else None
    wanted = version_order(condition.version)
    if ours is None or wanted is None:
        raise InvalidContextError(f"The attribute {name!r} is no semantic version.")
    return ours >= wanted if condition.operator is Operator.VERSION_AT_LEAST else ours < wanted


def bucket(flag_key: str, targeting_key: str) -> int:
    """The bucket of a targeting key, uniform and independent between flags: SHA-256 of both, scaled down."""
    digest = hashlib.sha256(f"{flag_key}\0{targeting_key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * BUCKETS >> 64


def allocated(before: Sequence[Slot], wanted: Mapping[str, int]) -> tuple[Slot, ...]:
    """Which buckets each variant has, when these many are wanted and `before` is what they had.

    A variant that shrinks gives up its highest buckets; one that grows takes the lowest free ones. So growing never
    takes a bucket from a variant whose own number does not shrink.

    Args:
        before: disjoint slots.
        wanted: number of buckets by variant, together at most `BUCKETS`.
    """
    owner: list[str | None] = [None] * BUCKETS
    for variant, number in wanted.items():
        had = [place for slot in before if slot.variant == variant for place in range(slot.start, slot.end)]
        for place in sorted(had)[:number]:
            owner[place] = variant
    free = (place for place in range(BUCKETS) if owner[place] is None)
    for variant, number in wanted.items():
        for _ in range(number - owner.count(variant)):
            owner[next(free)] = variant
    return _slots(owner)


def _slots(owner: Sequence[str | None]) -> tuple[Slot, ...]:
    found: list[Slot] = []
    start = 0
    for place in range(1, BUCKETS + 1):
        if place == BUCKETS or owner[place] != owner[start]:
            variant = owner[start]
            if variant is not None:
                found.append(Slot(variant, start, place))
            start = place
    return tuple(found)


@lru_cache(maxsize=4096)
def version_order(text: str) -> VersionOrder | None:
    """What versions are ordered by (semver.org 2.0.0, sections 9 to 11); None for a text that is no version."""
    found = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION_LENGTH else None
    if found is None:
        return None
    major, minor, patch, before = found.groups()
    # A version without pre-release comes after all that have one; numbers come before words.
    parts = ((2, 0, ""),) if before is None else tuple(_part(part) for part in before.split("."))
    return int(major), int(minor), int(patch), parts


def _part(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
