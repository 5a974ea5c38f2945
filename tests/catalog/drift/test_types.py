"""Types in every spelling, and what a change of type is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.drift.policy import POLICY, RuleId
from app.catalog.drift.type_changes import fits, type_rule
from app.catalog.drift.types import UNSTATED, DriftType, Family, parse
from app.warehouse.types import ALIASES, TypeKind

SPELLINGS = (
    *ALIASES,
    *[kind.value for kind in TypeKind],
    *("numeric(12,2)", "numeric(14,2)", "numeric(12,4)", "numeric(5)", "numeric(19,0)", "varchar(5)", "varchar(20)"),
    *(
        "char(3)",
        "char(5)",
        "bpchar",
        "citext",
        "timestamp(0)",
        "timestamp(3)",
        "timestamp(3) with time zone",
        "time(0)",
    ),
    *(
        "timetz",
        "interval",
        "json",
        "jsonb",
        "enum(A,B)",
        "enum(A,B,C)",
        "enum(B,A)",
        "integer[]",
        "bigint[]",
        "text[]",
    ),
    *(
        "array",
        "struct<a:int>",
        "map<string,int>",
        "public.mood",
        '"Mood"',
        "bit(3)",
        "bytea",
        "varbinary(16)",
        "tinyint",
    ),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int4", "integer"),
        ("BIGINT", "int8"),
        ("pg_catalog.int4", "int"),
        ("decimal( 12 , 2 )", "numeric(12,2)"),
        ("numeric(5)", "numeric(5,0)"),
        ("character  varying(20)", "varchar(20)"),
        ("string", "text"),
        ("varchar", "text"),
        ("character(3)", "char(3)"),
        ("char", "character(1)"),
        ("timestamp with time zone", "timestamptz"),
        ("timestamp(3) with time zone", "timestamptz(3)"),
        ("timestamp(6) without time zone", "timestamp"),
        ("time(0) without time zone", "time(0)"),
        ("float", "double precision"),
        ("float(24)", "real"),
        ("float(25)", "float8"),
        ("_int4", "integer[]"),
        ("array<int>", "integer[][]"),
        ("integer[3]", "int[]"),
        ("_text", "list<string>"),
        ("enum('A', 'B')", "ENUM(A,B)"),
        ("number", "numeric"),
        ("long", "bigint"),
        ("int(11)", "integer"),
        ("bool", "boolean"),
        ("serial", "integer"),
        ("PUBLIC.Mood", "public.mood"),
        ("struct<a: int>", "STRUCT<a:int>"),
    ],
)
def test_two_spellings_of_one_type(one: str, other: str) -> None:
    assert parse(one) == parse(other)
    assert type_rule(parse(one), parse(other)) is None


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("interval", Family.INTERVAL),
        ("uuid", Family.UUID),
        ("object", Family.RECORD),
        ("map<string,array<int>>", Family.MAP),
        ('"char"', Family.OTHER),
        ('"Mood"', Family.OTHER),
        ("bit(3)", Family.OTHER),
        ("numeric(1,2,3)", Family.OTHER),
        ("text(3,4)", Family.OTHER),
        ("interval year to month", Family.OTHER),
        ("_mood", Family.OTHER),
        ("boolean(3)", Family.OTHER),
        ("enum(", Family.OTHER),
        (None, Family.UNSTATED),
        ("  ", Family.UNSTATED),
    ],
)
def test_families(text: str | None, family: Family) -> None:
    assert parse(text).family is family


def test_names_in_quotes_keep_their_case() -> None:
    assert parse('"Mood"') != parse('"mood"')
    assert parse('Public."Mood"') == parse('public."Mood"')


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("enum(A,B)", ("A", "B")),
        ("enum('a,b','it''s', \"c\"\"d\")", ("a,b", "it's", 'c"d')),
        ("enum('open)", ("'open",)),
        ("enum()", ()),
        ("enum(a,,b)", ("a", "", "b")),
    ],
)
def test_labels_of_an_enum(text: str, labels: tuple[str, ...]) -> None:
    assert parse(text).labels == labels


@pytest.mark.parametrize(
    "text", ["a " * 2_000, "[1]" * 1_300 + "x", "array<" * 600 + ">" * 600, "(" * 4_000, "enum(" + "'," * 1_900]
)
def test_long_and_hostile_spellings_are_read_at_once(text: str) -> None:
    began = time.perf_counter()
    parse(text)
    assert time.perf_counter() - began < 1


@given(st.text(max_size=60) | st.text(alphabet="enumarryint<>()[],'\"_ 0123", max_size=60))
def test_no_text_is_refused(text: str) -> None:
    assert isinstance(parse(text), DriftType)


RULES = [
    ("smallint", "integer", "widened"),
    ("smallint", "bigint", "widened"),
    ("integer", "bigint", "widened"),
    ("bigint", "numeric", "widened"),
    ("bigint", "numeric(19,0)", "widened"),
    ("bigint", "numeric(18,0)", "narrowed"),
    ("integer", "numeric(12,2)", "widened"),
    ("integer", "numeric(11,2)", "narrowed"),
    ("bigint", "numeric(25,-2)", "narrowed"),
    ("smallint", "real", "widened"),
    ("integer", "real", "widened-inexactly"),
    ("bigint", "real", "widened-inexactly"),
    ("integer", "double precision", "widened"),
    ("bigint", "double precision", "widened-inexactly"),
    ("real", "double precision", "widened"),
    ("double precision", "real", "narrowed"),
    ("bigint", "integer", "narrowed"),
    ("numeric", "bigint", "narrowed"),
    ("real", "integer", "narrowed"),
    ("numeric", "double precision", "narrowed"),
    ("double precision", "numeric", "other-family"),
    ("numeric(12,2)", "numeric(14,2)", "numeric-precision-up"),
    ("numeric(14,2)", "numeric(12,2)", "numeric-precision-down"),
    ("numeric(12,2)", "numeric(12,4)", "numeric-scale-changed"),
    ("numeric(12,2)", "numeric(14,4)", "numeric-scale-changed"),
    ("numeric(12,2)", "numeric(12,0)", "numeric-scale-changed"),
    ("numeric(12,2)", "numeric", "widened"),
    ("numeric", "numeric(12,2)", "numeric-precision-down"),
    ("varchar(20)", "varchar(40)", "widened"),
    ("varchar(20)", "text", "widened"),
    ("varchar(20)", "varchar(10)", "length-shrunk"),
    ("text", "varchar(10)", "length-shrunk"),
    ("char(3)", "char(5)", "padding-changed"),
    ("char(5)", "char(3)", "length-shrunk"),
    ("char(3)", "text", "padding-changed"),
    ("varchar(3)", "char(3)", "padding-changed"),
    ("citext", "text", "text-comparison-changed"),
    ("date", "timestamp", "widened"),
    ("date", "timestamptz", "zone-changed"),
    ("timestamp", "date", "narrowed"),
    ("timestamptz", "date", "zone-changed"),
    ("timestamp", "timestamptz", "zone-changed"),
    ("timestamptz", "timestamp", "zone-changed"),
    ("time", "timetz", "zone-changed"),
    ("time", "timestamp", "other-family"),
    ("timestamp(3)", "timestamp", "time-precision-up"),
    ("timestamptz", "timestamptz(0)", "time-precision-down"),
    ("interval", "interval(0)", "time-precision-down"),
    ("enum(A,B)", "enum(A,C,B)", "enum-labels-added"),
    ("enum(A,B,C)", "enum(A,B)", "enum-labels-removed"),
    ("enum(A,B)", "enum(B,A)", "enum-labels-reordered"),
    ("enum(A,B)", "text", "other-family"),
    ("json", "jsonb", "json-form-changed"),
    ("jsonb", "text", "other-family"),
    ("integer[]", "bigint[]", "widened"),
    ("bigint[]", "integer[]", "narrowed"),
    ("text[]", "text", "other-family"),
    ("array", "integer[]", "type-stated"),
    ("array<array<int>>", "array<array<string>>", "other-family"),
    ("struct<a:int>", "struct<a:bigint>", "record-changed"),
    ("public.mood", "public.feeling", "other-family"),
    ("uuid", "text", "other-family"),
    ("boolean", "integer", "other-family"),
    ("bytea", "text", "other-family"),
    (None, "text", "type-stated"),
    ("text", None, "type-unstated"),
]


@pytest.mark.parametrize(("old", "new", "rule"), RULES)
def test_the_rule_of_a_change_of_type(old: str | None, new: str | None, rule: str) -> None:
    assert type_rule(parse(old), parse(new)) == rule


WIDER = {RuleId.WIDENED, RuleId.NUMERIC_PRECISION_UP, RuleId.TIME_PRECISION_UP}


TYPES = tuple(dict.fromkeys(map(parse, SPELLINGS)))


def test_what_is_wider_than_the_wider_is_wider() -> None:
    wider = {one: [other for other in TYPES if type_rule(one, other) in WIDER] for one in TYPES}
    steps = [(one, two, three) for one in TYPES for two in wider[one] for three in wider[two]]
    assert len(steps) > 20
    assert [step for step in steps if step[2] not in wider[step[0]]] == []


def test_only_one_way_is_compatible() -> None:
    for one in TYPES:
        for other in TYPES:
            forth, back = type_rule(one, other), type_rule(other, one)
            assert (forth is None) is (back is None) is (one == other)
            if forth in WIDER:
                assert back is not None
                assert POLICY[back].readers == "BREAKING"


@pytest.mark.parametrize(
    ("inferred", "declared", "fit"),
    [
        ("bigint", "integer", True),
        ("bigint", "numeric(12,2)", True),
        ("bigint", "real", True),
        ("bigint", "text", True),
        ("bigint", "boolean", False),
        ("bigint", "timestamptz", False),
        ("double precision", "numeric(12,2)", True),
        ("numeric", "double precision", True),
        ("double precision", "bigint", False),
        ("numeric", "integer", False),
        ("boolean", "text", True),
        ("text", "varchar(20)", True),
        ("text", "char(3)", True),
        ("text", "date", False),
        ("text", "integer", False),
        ("text", "time", True),
        ("text", "bytea", True),
        ("text", "enum(A,B)", True),
        ("text", "public.mood", True),
        ("date", "timestamp", True),
        ("date", "timestamptz", False),
        ("timestamp", "date", False),
        ("timestamp", "timestamptz", False),
        ("timestamptz", "text", True),
        ("uuid", "varchar(36)", True),
        ("jsonb", "text", False),
        ("jsonb", "json", True),
        ("jsonb", "integer[]", True),
        ("jsonb", "struct<a:int>", True),
        ("bigint", "jsonb", True),
        ("bytea", "text", False),
        (None, "date", True),
    ],
)
def test_what_a_batch_brings_fits(inferred: str | None, declared: str, *, fit: bool) -> None:
    assert fits(parse(inferred), parse(declared)) is fit


@given(st.sampled_from(SPELLINGS))
def test_every_type_fits_itself(text: str) -> None:
    assert fits(parse(text), parse(text))
    assert fits(UNSTATED, parse(text))
