"""Profiles of fields: counts, the dominant shape, the shape that covers all values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.shapes.fragments import fragment
from app.addons.generator.shapes.profiles import MAX_EXAMPLES, profile
from app.addons.generator.shapes.shape import Shape
from app.addons.regexes import compile_regex


def test_a_profile_counts_values_and_placeholders() -> None:
    found = profile(["10.0.0.1", "-", "10.0.0.2", "10.0.0.1", "web01"])
    assert (found.count, found.distinct, found.placeholders) == (5, 4, 1)
    assert (found.shape, found.share) == (Shape.IPV4, 0.75)
    assert found.shapes == ((Shape.IPV4, 3), (Shape.WORD, 1))
    assert found.examples == ("10.0.0.1", "10.0.0.2", "web01")
    assert not found.constant
    assert not found.always_placeholder


@pytest.mark.parametrize("values", [[], ["-"], ["", "-", "N/A"]])
def test_a_field_without_values_is_a_placeholder(values: list[str]) -> None:
    found = profile(values)
    assert found.shape is found.covering is Shape.PLACEHOLDER
    assert found.always_placeholder
    assert found.share == 0


@pytest.mark.parametrize(
    ("values", "covering"),
    [
        (["1.2.3.4", "::1"], Shape.IP),
        (["1", "-2"], Shape.SIGNED),
        (["1", "2.5", "-3"], Shape.DECIMAL),
        (["1684329817", "12"], Shape.INTEGER),
        (["1684329817", "1684329818"], Shape.EPOCH),
        (["GET", "TRACE"], Shape.HTTP_METHOD),
        (["/usr/bin", "/index.html?x=1"], Shape.URI_PATH),
        (["1.2.3.4", "web01"], Shape.WORD),
        (["1.2.3.4", "web 01"], Shape.TEXT),
        (["1.2.3.4", "not available"], Shape.IPV4),
    ],
)
def test_the_covering_shape_is_the_narrowest(values: list[str], covering: Shape) -> None:
    assert profile(values).covering is covering


def test_numbers_have_a_range() -> None:
    assert profile(["5", "-1.5", "-", "200"]).numeric_range == (-1.5, 200.0)
    assert profile(["a"]).numeric_range is None


def test_a_constant_field_is_said_to_be() -> None:
    assert profile(["a", "a"]).constant
    assert not profile(["a", "b"]).constant


VALUES = st.sampled_from(
    ["1", "-2", "2.5", "-", "1.2.3.4", "::1", "a", "a b", "GET", "/x", "c000003e", "true", "1684329817"]
)


@settings(max_examples=200)
@given(st.lists(VALUES | st.text("ab1. :-", max_size=12)))
def test_the_covering_fragment_takes_every_value(values: list[str]) -> None:
    found = profile(values)
    either = compile_regex(rf"\A(?:{fragment(found.covering)}|{fragment(Shape.PLACEHOLDER)})\z")
    assert all(either.search(value.strip()) for value in values)
    assert found.count == len(values)
    assert len(found.examples) <= MAX_EXAMPLES
    assert sum(count for _, count in found.shapes) + found.placeholders == found.count
