"""Evaluation as pure rules: off is off, rules in order, splits that stick, grow and are fair; faults all told."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import Reason
from pydantic import ValidationError

from app.operations.flags.checks import faults
from app.operations.flags.definition import Flag, FlagType, Slot, rule
from app.operations.flags.evaluation import BUCKETS, Context, allocated, bucket, evaluate, version_order
from app.operations.flags.schemas import NewFlag

ON: dict[str, Any] = {"name": "on", "when": [], "variant": "on"}
SHARES = st.lists(st.integers(0, BUCKETS), min_size=1, max_size=4).map(
    lambda numbers: {
        name: number * BUCKETS // max(BUCKETS, sum(numbers))
        for name, number in zip("abcd", numbers, strict=False)
    }
)  # fmt: skip


def flag(*rules: Mapping[str, Any], key: str = "a-flag", enabled: bool = True) -> Flag:
    variants = {"on": True, "off": False, "a": True, "b": True}
    return Flag(key, FlagType.BOOLEAN, variants, "off", "off", enabled, tuple(rule(each) for each in rules), 1)


def when(subject: str, *values: Any, **more: Any) -> dict[str, Any]:
    return ON | {"when": [{"subject": subject, "operator": "in", "values": list(values)} | more]}


def split(**shares: int) -> dict[str, Any]:
    slots = [[slot.variant, slot.start, slot.end] for slot in allocated((), shares)]
    return {"name": "split", "when": [], "split": [], "slots": slots}


def asked(of: Flag, key: str | None = "user:1", **attributes: Any) -> tuple[str, str]:
    found = evaluate(of, Context(key, attributes))
    return found.variant, found.reason.value


def test_off_is_the_off_variant_whatever_the_rules_say() -> None:
    assert asked(flag(ON, enabled=False)) == ("off", "DISABLED")


def test_reasons() -> None:
    assert asked(flag()) == ("off", "STATIC")
    assert asked(flag(ON)) == ("on", "TARGETING_MATCH")
    assert asked(flag(when("role", "ADMIN"))) == ("off", "DEFAULT")
    assert asked(flag(split(on=BUCKETS))) == ("on", "SPLIT")
    assert asked(flag(split(on=0), ON)) == ("on", "TARGETING_MATCH"), "what a split leaves goes on to the next rule"


@pytest.mark.parametrize(
    ("wanted", "attributes", "holds"),
    [
        (when("role", "ADMIN", "ENGINEER"), {"roles": ["VIEWER", "ENGINEER"]}, True),
        (when("role", "ADMIN"), {"roles": "ADMIN"}, True),
        (when("role", "ADMIN"), {"roles": []}, False),
        (when("role", "ADMIN"), {"role": "ADMIN"}, False),
        (when("user", "ada"), {"user_name": "ada", "user_id": "1"}, True),
        (when("user", "1"), {"user_name": "ada", "user_id": "1"}, True),
        (when("user", "ada"), {"client_name": "ada"}, False),
        (when("client", "ada"), {"client_name": "ada"}, True),
        (when("attribute", 1, attribute="n"), {"n": 1.0}, True),
        (when("attribute", 1, attribute="n"), {"n": True}, False),
        (ON | {"when": [{"subject": "attribute", "attribute": "n", "values": [True]}]}, {"n": 1}, False),
        (when("attribute", "1", attribute="n"), {"n": 1}, False),
        (when("attribute", "x", attribute="n"), {"n": None}, False),
        (when("attribute", "1.4.0", attribute="v", operator="version_at_least"), {"v": "1.10.0"}, True),
        (when("attribute", "1.4.0", attribute="v", operator="version_at_least"), {"v": "1.4.0-rc.1"}, False),
        (when("attribute", "1.4.0", attribute="v", operator="version_below"), {"v": "1.4.0-rc.1"}, True),
        (when("attribute", "1.4.0", attribute="v", operator="version_below"), {}, False),
    ],
)
def test_conditions(wanted: dict[str, Any], attributes: dict[str, Any], holds: bool) -> None:
    assert asked(flag(wanted), **attributes)[0] == ("on" if holds else "off")


@pytest.mark.parametrize(
    ("of", "key", "attributes", "code"),
    [
        (flag(split(on=1)), None, {}, ErrorCode.TARGETING_KEY_MISSING),
        (flag(split(on=1)), "", {}, ErrorCode.TARGETING_KEY_MISSING),
        (flag(when("role", "ADMIN")), "x", {"roles": {"ADMIN": 1}}, ErrorCode.INVALID_CONTEXT),
        (flag(when("role", "ADMIN")), "x", {"roles": [["ADMIN"]]}, ErrorCode.INVALID_CONTEXT),
        (
            flag(when("attribute", "1.0.0", attribute="v", operator="version_below")),
            "x",
            {"v": "one"},
            ErrorCode.INVALID_CONTEXT,
        ),
        (
            flag(when("attribute", "1.0.0", attribute="v", operator="version_below")),
            "x",
            {"v": 1},
            ErrorCode.INVALID_CONTEXT,
        ),
    ],
)
def test_contexts_that_cannot_be_read(of: Flag, key: str | None, attributes: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(OpenFeatureError) as refused:
        evaluate(of, Context(key, attributes))
    assert refused.value.error_code is code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.none() | st.text(),
    st.dictionaries(st.sampled_from(["roles", "user_id", "n", "v"]), JSON),
    st.integers(0, BUCKETS),
)
def test_evaluation_is_pure_and_total_but_for_openfeature_s_errors(
    key: str | None, attributes: dict[str, Any], share: int
) -> None:
    of = flag(
        when("role", "ADMIN"),
        when("attribute", 1, "x", attribute="n"),
        when("attribute", "1.0.0", attribute="v", operator="version_below"),
        split(on=share),
    )
    answers = []
    for _ in range(2):
        try:
            answers.append(evaluate(of, Context(key, dict(attributes))))
        except OpenFeatureError as error:
            answers.append((error.error_code, error.error_message))  # type: ignore[arg-type]
    assert answers[0] == answers[1]


def test_buckets_are_the_same_for_ever() -> None:
    """Known answers: a change of the hash would throw everybody out of every percentage."""
    known = {("a-flag", "user:1"): 245, ("b-flag", "user:1"): 9833, ("a-flag", "ü\ud800"): 2039}
    assert {of: bucket(*of) for of in known} == known


def test_shares_are_what_they_say() -> None:
    """100,000 keys: within five standard deviations of the binomial, on each of three flags."""
    number = 100_000
    for key in ("one", "two", "three"):
        of = flag(split(a=1000, b=2500), key=key)
        found = [evaluate(of, Context(f"user:{each}", {})).variant for each in range(number)]
        for variant, share in {"a": 0.1, "b": 0.25, "off": 0.65}.items():
            deviation = (number * share * (1 - share)) ** 0.5
            assert abs(found.count(variant) - number * share) < 5 * deviation, (key, variant)


def test_flags_are_independent() -> None:
    keys = [f"user:{each}" for each in range(20_000)]
    both = sum(bucket("one", key) < 5000 and bucket("two", key) < 5000 for key in keys)
    assert abs(both - 5000) < 5 * (20_000 * 0.25 * 0.75) ** 0.5


def owners(slots: tuple[Slot, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for slot in slots:
        for place in range(slot.start, slot.end):
            assert place not in found, "two variants in one bucket"
            found[place] = slot.variant
    return found


@given(st.lists(SHARES, min_size=2, max_size=5))
def test_who_is_in_stays_in_while_the_share_does_not_shrink(history: list[dict[str, int]]) -> None:
    slots: tuple[Slot, ...] = ()
    had: dict[str, int] = {}
    for wanted in history:
        before, slots = owners(slots), allocated(slots, wanted)
        after = owners(slots)
        assert {name: list(after.values()).count(name) for name in wanted} == wanted
        for variant, number in wanted.items():
            mine = {place for place, owner in before.items() if owner == variant}
            still = {place for place, owner in after.items() if owner == variant}
            assert mine <= still if number >= had.get(variant, 0) else still <= mine
        had = wanted


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_one_variant_s_share_depends_on_its_size_alone(first: int, then: int) -> None:
    assert allocated(allocated((), {"on": first}), {"on": then}) == allocated((), {"on": then})


VERSIONS = (
    "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0"
)


def test_versions_are_ordered_as_semver_says() -> None:
    orders = [version_order(text) for text in VERSIONS.split()]
    assert None not in orders
    assert orders == sorted(orders)  # type: ignore[type-var]
    assert len(set(orders)) == len(orders)
    assert version_order("1.0.0+a") == version_order("1.0.0+b")
    for text in ("1", "1.0", "01.0.0", "1.0.0-01", "1.0.0-", "", "x", "1.0.0 ", "9" * 300):
        assert version_order(text) is None, text


GOOD: dict[str, Any] = {
    "variants": {"on": True, "off": False},
    "default_variant": "off",
    "off_variant": "off",
    "rules": [{"name": "r", "when": [], "split": [{"variant": "on", "percentage": 12.34}]}],
}


WRONG = {"/variants/on": "wrong-type", "/variants/off": "wrong-type"}


def test_a_good_flag_has_no_faults() -> None:
    assert faults(FlagType.BOOLEAN, GOOD) == []
    assert faults(FlagType.NUMBER, GOOD | {"variants": {"on": 1.5, "off": 0}}) == []


@pytest.mark.parametrize(
    ("flag_type", "change", "expected"),
    [
        ("boolean", {"variants": {"on": 1, "off": "no"}}, WRONG),
        ("number", {}, WRONG),
        ("number", {"variants": {"on": 2**60, "off": 0}}, {"/variants/on": "number-too-large"}),
        ("object", {"variants": {"on": {"n": 2**70}, "off": {}}}, {"/variants/on": "number-too-large"}),
        ("string", {"variants": {"on": "x" * 20_000, "off": ""}}, {"/variants/on": "value-too-large"}),
        ("boolean", {"default_variant": "x"}, {"/default_variant": "unknown-variant"}),
        ("boolean", {"off_variant": "x"}, {"/off_variant": "unknown-variant"}),
        ("boolean", {"rules": [ON, ON]}, {"/rules/0/name": "repeated-name", "/rules/1/name": "repeated-name"}),
        ("boolean", {"rules": [ON | {"variant": None}]}, {"/rules/0": "one-choice"}),
        ("boolean", {"rules": [ON | {"split": []}]}, {"/rules/0": "one-choice"}),
        ("boolean", {"rules": [ON | {"variant": "x"}]}, {"/rules/0/variant": "unknown-variant"}),
        (
            "boolean",
            {"rules": [{"name": "r", "when": [], "split": [
                {"variant": "on", "percentage": 60}, {"variant": "x", "percentage": 40.01},
                {"variant": "on", "percentage": 0.001}]}]},
            {
                "/rules/0/split": "more-than-all",
                "/rules/0/split/0/variant": "repeated-variant",
                "/rules/0/split/1/variant": "unknown-variant",
                "/rules/0/split/2/variant": "repeated-variant",
                "/rules/0/split/2/percentage": "too-precise",
            },
        ),
        ("boolean", {"rules": [when("attribute", "x")]}, {"/rules/0/when/0/attribute": "attribute-or-not"}),
        ("boolean", {"rules": [when("role", "x", attribute="y")]}, {"/rules/0/when/0/attribute": "attribute-or-not"}),
        ("boolean", {"rules": [when("role", "x", 1)]}, {"/rules/0/when/0/values/1": "not-text"}),
        (
            "boolean",
            {"rules": [when("role", "1.0.0", "x", operator="version_below")]},
            {"/rules/0/when/0/operator": "no-version", "/rules/0/when/0/values": "no-version"},
        ),
    ],
)  # fmt: skip
def test_every_fault_is_told(flag_type: str, change: dict[str, Any], expected: dict[str, str]) -> None:
    found = faults(FlagType(flag_type), GOOD | change)
    assert {fault.pointer: fault.code for fault in found} == expected


def test_reasons_are_openfeature_s() -> None:
    assert {Reason.STATIC, Reason.SPLIT} <= set(Reason)


@pytest.mark.parametrize(
    ("flag_type", "value", "code"),
    [
        (FlagType.STRING, "x" * (16 * 1024 - 2), None),
        (FlagType.STRING, "x" * (16 * 1024 - 1), "value-too-large"),
        (FlagType.NUMBER, 2**53, None),
        (FlagType.NUMBER, 2**53 + 1, "number-too-large"),
        (FlagType.NUMBER, -(2**53) - 1, "number-too-large"),
    ],
)
def test_how_large_a_value_is(flag_type: FlagType, value: Any, code: str | None) -> None:
    found = faults(flag_type, {"variants": {"a": value}, "default_variant": "a", "off_variant": "a", "rules": []})
    assert [fault.code for fault in found] == ([] if code is None else [code])


def _new_flag(variants: int = 1, rules: int = 0, conditions: int = 0, values: int = 1, length: int = 1) -> NewFlag:
    condition = {"subject": "role", "values": ["x" * length] * values}
    made = [{"name": f"r{each}", "when": [condition] * conditions, "variant": "v0"} for each in range(rules)]
    return NewFlag.model_validate(
        {"key": "k", "type": "boolean", "variants": {f"v{each}": True for each in range(variants)}}
        | {"default_variant": "v0", "off_variant": "v0", "rules": made}
    )


@pytest.mark.parametrize(
    ("what", "most"), [("variants", 50), ("rules", 100), ("conditions", 20), ("values", 1000), ("length", 256)]
)
def test_how_much_a_flag_has(what: str, most: int) -> None:
    one = {"rules": 1, "conditions": 1}
    assert _new_flag(**one | {what: most})
    with pytest.raises(ValidationError):
        _new_flag(**one | {what: most + 1})


def test_a_version_has_256_characters_at_most() -> None:
    assert version_order("1.0.0-" + "a" * 250) is not None
    assert version_order("1.0.0-" + "a" * 251) is None


def test_a_split_has_steps_of_a_hundredth_of_a_percent() -> None:
    assert BUCKETS == 10_000
