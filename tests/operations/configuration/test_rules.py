"""The catalogue: every key is sound, values are held to their schema, and what is told of them holds no value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.kernel.ports.catalogue import TwiceNamedError
from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.kernel.security.at_rest import MASK
from app.operations.configuration.rules import ConfigKeys, ConfigurationKeyNotFound, InvalidKeyError, normal, shown
from app.settings import Settings
from app.wiring import extensions

KEYS = extensions(Settings()).of(ConfigKeys)
NESTED: dict[str, Any] = {
    "type": "object",
    "required": ["a", "b"],
    "additionalProperties": False,
    "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"enum": ["x", "y"]}}, "c/d~": {}},
}


def key(name: str = "a.key", schema: dict[str, Any] | None = None, *, secret: bool = False) -> ConfigKey[Any]:
    return ConfigKey(
        name=name, description="x", schema=schema or {"type": "string"}, default=lambda _: None, secret=secret
    )


def test_every_key_of_the_service_is_sound(settings: Settings) -> None:
    assert len(list(KEYS)) >= 5
    for each in KEYS:
        Draft202012Validator.check_schema(each.schema)
        default = each.default(settings)
        assert default is None or KEYS.faults(each, default) == [], each.name
        assert each.description.endswith(".")
        assert KEYS.faults(each, None), "null is no value: a reset says the same"
        assert KEYS.of(each.name) is each


@pytest.mark.parametrize("keys", [[key(), key()], [key(schema={"type": "integer"}, secret=True)]])
def test_a_catalogue_that_contradicts_itself_is_refused(keys: list[ConfigKey[Any]]) -> None:
    with pytest.raises((InvalidKeyError, TwiceNamedError)):
        ConfigKeys(keys)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("query.preview-lifetime-second", "query.preview-lifetime-seconds"),
        ("log-level", "server.log-level"),
        ("x" * 100_000, None),
        ("\x00", None),
    ],
)
def test_an_unknown_key_is_told_the_nearest(wrong: str, nearest: str | None) -> None:
    with pytest.raises(ConfigurationKeyNotFound) as refused:
        KEYS.of(wrong)
    assert refused.value.status == 404
    assert refused.value.fields["nearest"][:1] == ([] if nearest is None else [nearest])


@pytest.mark.parametrize(
    ("name", "value", "codes"),
    [
        ("query.preview-lifetime-seconds", 1, []),
        ("query.preview-lifetime-seconds", 1.0, []),
        ("query.preview-lifetime-seconds", 0, ["too-small"]),
        ("query.preview-lifetime-seconds", 86_401, ["too-large"]),
        ("query.preview-lifetime-seconds", 1.5, ["type"]),
        ("query.preview-lifetime-seconds", True, ["type"]),
        ("query.preview-lifetime-seconds", "600", ["type"]),
        ("query.preview-lifetime-seconds", 10**99, ["too-large"]),
        ("query.preview-lifetime-seconds", [600], ["type"]),
        ("query.statement-timeout-seconds", 0, ["too-small"]),
        ("query.statement-timeout-seconds", 0.001, []),
        ("query.statement-timeout-seconds", 1e308, ["too-large"]),
        ("server.log-level", "debug", []),
        ("server.log-level", "DEBUG", ["enum"]),
        ("server.log-level", {}, ["enum", "type"]),
        ("ingestion.max-rejected-share", 1.01, ["too-large"]),
    ],
)
def test_values_are_held_to_their_schema(name: str, value: Any, codes: list[str]) -> None:
    found = KEYS.faults(KEYS.of(name), value)
    assert sorted(fault.code for fault in found) == codes
    assert {fault.pointer for fault in found} <= {"/value"}


def test_every_fault_is_told_by_pointer() -> None:
    each = key(schema=NESTED)
    found = ConfigKeys([each]).faults(each, {"a": "no", "b": ["x", "z", "y", 3], "e": 1})
    assert {(fault.pointer, fault.code) for fault in found} == {
        ("/value", "unknown-field"),
        ("/value/a", "type"),
        ("/value/b/1", "enum"),
        ("/value/b/3", "enum"),
    }
    hostile = {"b": ["z"] * 10_000}
    assert len(ConfigKeys([each]).faults(each, hostile)) == 50


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(list(KEYS)), VALUES)
def test_whatever_comes_is_judged(each: ConfigKey[Any], value: Any) -> None:
    assert (KEYS.faults(each, value) == []) is KEYS.fits(each, value)
    if KEYS.fits(each, value):
        assert normal(each.schema, value) == value


@given(st.text(min_size=8))
def test_what_is_told_of_a_secret_does_not_hold_it(secret: str) -> None:
    each = key(schema={"type": "string", "maxLength": 3}, secret=True)
    told = json.dumps([fault.model_dump() for fault in ConfigKeys([each]).faults(each, secret)], ensure_ascii=False)
    assert secret not in told
    assert shown(each, secret) != secret


def test_the_masked_form_is_not_taken_for_the_secret() -> None:
    each = key(secret=True)
    assert [fault.code for fault in ConfigKeys([each]).faults(each, f"{MASK}abcd")] == ["masked"]


def test_what_is_in_force_is_the_default_until_something_is_decided(settings: Settings) -> None:
    in_force, each = ConfigurationInForce(settings), KEYS.of("query.preview-lifetime-seconds")
    assert in_force.value(each) == settings.query.preview_lifetime_seconds
    in_force.replace({each.name: 5})
    assert in_force.value(each) == 5
    in_force.replace({})
    assert in_force.value(each) == settings.query.preview_lifetime_seconds
