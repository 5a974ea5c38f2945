"""Which value a flag has for a context: pure, and total but for contexts that cannot be read.

Off is the off variant. On, the first rule whose conditions hold chooses; a split that gives the targeting key nothing
lets the next rule try; the default variant is what remains. Errors are OpenFeature's own, so its SDK and OFREP tell
them as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openfeature.exception import InvalidContextError, TargetingKeyMissingError
from openfeature.flag_evaluation import Reason

from app.operations.flags import versions
from app.operations.flags.bucketing import bucket
from app.operations.flags.definition import Condition, Flag, Operator, Rule, comparable


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
    rule: str | None = None
    """The rule that chose it."""


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
    return Evaluation(flag.variants[variant], variant, reason, rule)


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
    ours = versions.order(value) if isinstance(value, str) else None
    wanted = versions.order(condition.version)
    if ours is None or wanted is None:
        raise InvalidContextError(f"The attribute {name!r} is no semantic version.")
    return ours >= wanted if condition.operator is Operator.VERSION_AT_LEAST else ours < wanted
