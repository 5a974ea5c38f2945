"""What is wrong with a flag: every fault, by JSON pointer. Rules only, no I/O."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.kernel.problems import Fault
from app.operations.flags.definition import FlagType, Operator, Subject
from app.operations.flags.evaluation import BUCKETS, version_order

MAX_VARIANT_BYTES = 16 * 1024
"""The most for one value as JSON: flags decide, they are no store; every process keeps all of them in memory."""
MAX_EXACT = 2**53
"""Numbers beyond it are not the same in every language (RFC 8259 section 6)."""

_KINDS: Mapping[FlagType, tuple[type, ...]] = {
    FlagType.BOOLEAN: (bool,),
    FlagType.STRING: (str,),
    FlagType.NUMBER: (int, float),
    FlagType.OBJECT: (dict,),
}


def faults(flag_type: FlagType, flag: Mapping[str, Any]) -> list[Fault]:
    """Every fault of a flag's document, whose fields are of their types already.

    These are `variants`, `default_variant`, `off_variant` and `rules`.
    """
    variants = flag["variants"]
    found = [fault for name, value in variants.items() for fault in _value(flag_type, name, value)]
    named = ("default_variant", "off_variant")
    found += [_unknown(f"/{field}", flag[field]) for field in named if flag[field] not in variants]
    names = Counter(rule["name"] for rule in flag["rules"])
    for number, rule in enumerate(flag["rules"]):
        place = f"/rules/{number}"
        if names[rule["name"]] > 1:
            found.append(_fault(f"{place}/name", "repeated-name", "Each rule has a name of its own."))
        found += _choice(place, rule, variants)
        for inner, condition in enumerate(rule["when"]):
            found += _condition(f"{place}/when/{inner}", condition)
    return found


def _value(flag_type: FlagType, name: str, value: Any) -> Iterator[Fault]:
    place = f"/variants/{name}"
    if not isinstance(value, _KINDS[flag_type]) or (flag_type is FlagType.NUMBER and isinstance(value, bool)):
        yield _fault(place, "wrong-type", f"The flag's type is {flag_type.value}; this value is none.")
        return
    if isinstance(value, (int, float)) and abs(value) > MAX_EXACT:
        yield _fault(place, "number-too-large", "Numbers beyond 2^53 are not the same in every language.")
        return
    try:
        size = len(orjson.dumps(value))
    except TypeError:
        yield _fault(place, "number-too-large", "Write numbers beyond 64 bits as text.")
        return
    if size > MAX_VARIANT_BYTES:
        yield _fault(place, "value-too-large", f"The value has more than {MAX_VARIANT_BYTES} bytes as JSON.")


def _choice(place: str, rule: Mapping[str, Any], variants: Mapping[str, Any]) -> Iterator[Fault]:
    variant, split = rule.get("variant"), rule.get("split")
    if (variant is None) is (split is None):
        yield _fault(place, "one-choice", "A rule has either a variant or a split.")
    if variant is not None and variant not in variants:
        yield _unknown(f"{place}/variant", variant)
    named = Counter(share["variant"] for share in split or ())
    for number, share in enumerate(split or ()):
        inner = f"{place}/split/{number}"
        if share["variant"] not in variants:
            yield _unknown(f"{inner}/variant", share["variant"])
        if named[share["variant"]] > 1:
            yield _fault(f"{inner}/variant", "repeated-variant", "Each variant has one share.")
        if abs(share["percentage"] * 100 - buckets(share["percentage"])) > 1e-6:  # noqa: PLR2004 - of a rounded product
            yield _fault(f"{inner}/percentage", "too-precise", "Percentages have at most two decimals.")
    if sum(buckets(share["percentage"]) for share in split or ()) > BUCKETS:
        yield _fault(f"{place}/split", "more-than-all", "The percentages are more than 100 together.")


def buckets(percentage: float) -> int:
    """How many buckets a percentage is."""
    return round(percentage * BUCKETS / 100)


def _condition(place: str, condition: Mapping[str, Any]) -> Iterator[Fault]:
    subject, values = Subject(condition["subject"]), condition["values"]
    if (subject is Subject.ATTRIBUTE) is (condition.get("attribute") is None):
        yield _fault(f"{place}/attribute", "attribute-or-not", "Named for the subject `attribute`, and for it alone.")
    if Operator(condition["operator"]) is Operator.IN:
        if subject is not Subject.ATTRIBUTE:
            for number, value in enumerate(values):
                if not isinstance(value, str):
                    yield _fault(f"{place}/values/{number}", "not-text", "Roles, users and clients are texts.")
        return
    if subject is not Subject.ATTRIBUTE:
        yield _fault(f"{place}/operator", "no-version", "Versions are compared of attributes alone.")
    if len(values) != 1 or not isinstance(values[0], str) or version_order(values[0]) is None:
        yield _fault(f"{place}/values", "no-version", "This operator takes one semantic version, such as 1.4.0.")


def _unknown(pointer: str, name: str) -> Fault:
    return _fault(pointer, "unknown-variant", f"There is no variant {name!r}.")


def _fault(pointer: str, code: str, message: str) -> Fault:
    return Fault(pointer=pointer, code=code, message=message)
