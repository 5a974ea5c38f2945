"""Which rule of `policy.py` falls on what else is said of a column: checks, sensitivity, words. Pure.

A check is tighter when fewer values pass. Of two patterns nobody can say which is tighter: such a check is changed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.catalog.drift.policy import RuleId

CHECK_FACTS: Final = {"min": "minimum", "max": "maximum", "pattern": "pattern", "one_of": "enum", "unique": "unique"}
"""The fact that each check of a contract's column becomes; checks are listed in `app/catalog/contracts/checks.py`."""

KEY_FACTS: Final = frozenset({"primaryKey", "primaryKeyPosition"})
"""Facts that are compared as the key of all columns together."""

_SENSITIVITY: Final[Mapping[str, tuple[Any, ...]]] = {
    "sensitivity": ("none", "private"),
    "classification": ("public", "internal", "confidential", "restricted"),
    "pii": (False, True),
}
"""From the least sensitive; nothing said is the least of all."""

_NOTHING_SAID: Final[tuple[Any, ...]] = (None, False, "none", [], "")
"""Values that say no more than leaving the fact out."""


def fact_rules(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, RuleId]]:
    """The facts that differ, by name, each with its rule; facts of the key are left out."""
    if old == new:  # as they nearly always are, and quickly seen
        return
    for name in sorted({*old, *new} - KEY_FACTS):
        rule = _rule(name, _said(old.get(name)), _said(new.get(name)))
        if rule is not None:
            yield name, rule


def _said(value: Any) -> Any:
    return None if any(value == nothing and type(value) is type(nothing) for nothing in _NOTHING_SAID) else value


def _rule(name: str, old: Any, new: Any) -> RuleId | None:
    if _canonical(old) == _canonical(new):
        return None
    compare = _COMPARED.get(name)
    return compare(name, old, new) if compare else RuleId.WORDS_CHANGED


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _presence(old: Any, new: Any) -> RuleId | None:
    """The rule where a check comes or goes; None where both schemas have one."""
    if old is None:
        return RuleId.CHECK_TIGHTENED
    return RuleId.CHECK_LOOSENED if new is None else None


def _floor(_: str, old: Any, new: Any) -> RuleId | None:
    return _presence(old, new) or _bound(old, new)


def _ceiling(_: str, old: Any, new: Any) -> RuleId | None:
    return _presence(old, new) or _bound(new, old)


def _bound(lower: Any, higher: Any) -> RuleId | None:
    """The rule of a bound that is tighter when it moves from the first value up to the second."""
    for read in (_number, _moment):
        first, second = read(lower), read(higher)
        if first is not None and second is not None:
            if first == second:
                return None
            return RuleId.CHECK_TIGHTENED if first < second else RuleId.CHECK_LOOSENED
    return RuleId.CHECK_CHANGED


def _number(value: Any) -> Any:
    """The value as a number, whether it is written as one or as text; None when it is none that can be ordered."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(value: Any) -> Any:
    """The value as seconds of time, without a zone as if in UTC; None for what is no time."""
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _choices(_: str, old: Any, new: Any) -> RuleId | None:
    if _presence(old, new):
        return _presence(old, new)
    if not isinstance(old, list) or not isinstance(new, list):
        return RuleId.CHECK_CHANGED
    before, after = ({_canonical(value) for value in values} for values in (old, new))
    if before == after:
        return None
    if before < after:
        return RuleId.CHECK_LOOSENED
    return RuleId.CHECK_TIGHTENED if after < before else RuleId.CHECK_CHANGED


def _opaque(_: str, old: Any, new: Any) -> RuleId:
    return _presence(old, new) or RuleId.CHECK_CHANGED


def _sensitivity(name: str, old: Any, new: Any) -> RuleId:
    if old is None or new is None:
        return RuleId.SENSITIVITY_RAISED if old is None else RuleId.SENSITIVITY_LOWERED
    levels = _SENSITIVITY[name]
    if old not in levels or new not in levels:
        return RuleId.SENSITIVITY_CHANGED
    return RuleId.SENSITIVITY_RAISED if levels.index(new) > levels.index(old) else RuleId.SENSITIVITY_LOWERED


def _always(rule: RuleId) -> Callable[[str, Any, Any], RuleId]:
    return lambda _name, _old, _new: rule


_COMPARED: Final[Mapping[str, Callable[[str, Any, Any], RuleId | None]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), _floor),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), _ceiling),
    **dict.fromkeys(("pattern", "format", "multipleOf", "unique"), _opaque),
    "enum": _choices,
    **dict.fromkeys(("references", "$ref", "relationships"), _always(RuleId.REFERENCE_CHANGED)),
    "source": _always(RuleId.SOURCE_CHANGED),
    **dict.fromkeys(_SENSITIVITY, _sensitivity),
}
"""How each fact is compared; what is not listed is words about the column."""
