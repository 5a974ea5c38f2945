"""EXTRACT and REPORT, with the examples of the specifications."""

import pytest

from app.addons.replay.formats.delimited import alternating, named_values, pairs
from app.addons.replay.searching.inline import split_source
from app.addons.replay.searching.transforms import format_parts
from tests.addons.replay.packages import only_fields, replayed


@pytest.mark.parametrize(
    ("value", "expression", "field"),
    [
        ("(?<a>x)", "(?<a>x)", ""),
        ("(?<a>x) in source", "(?<a>x)", "source"),
        ("(?<a>x) [i]n source", "(?<a>x) [i]n source", ""),
        ("logged in", "logged in", ""),
        ("(?<a>x in b)  in  url ", "(?<a>x in b)", "url"),
        ("in url", "in url", ""),
    ],
)
def test_the_field_that_an_extract_reads(value: str, expression: str, field: str) -> None:
    assert split_source(value) == (expression, field)


@pytest.mark.parametrize(
    ("props", "event", "fields"),
    [
        ("EXTRACT-a = user (?<user>\\w+)", "user bob user eve", {"user": ("bob",)}),
        ("EXTRACT-b = (?<x>b)\nEXTRACT-a = (?<x>a)", "b a", {"x": ("a",)}),
        ("EXTRACT-ZZZ = (?<path>/\\S+)\nEXTRACT-aaa = (?<file>[^/]+)$ in path", "GET /a/b.txt",
         {"path": ("/a/b.txt",), "file": ("b.txt",)}),
        ("EXTRACT-aaa = (?<path>/\\S+)\nEXTRACT-ZZZ = (?<file>[^/]+)$ in path", "GET /a/b.txt",
         {"path": ("/a/b.txt",)}),
        ("EXTRACT-a = (?<file>[^.]+) in source", "x", {"file": ("sample",)}),
        ("EXTRACT-a = ^b (?<second>\\w)", "a x\nb y", {"second": ("y",)}),
        ("EXTRACT-a = a (?<all>.*)$", "a x\nb y", {"all": ("x\nb y",)}),
        ("EXTRACT-a = (?<x>a)|(?<y>b)", "b", {"y": ("b",)}),
        ("EXTRACT-a = (?<_x>a)", "a", {"x": ("a",)}),
    ],
)  # fmt: skip
def test_extract(props: str, event: str, fields: dict[str, tuple[str, ...]]) -> None:
    assert only_fields(f"KV_MODE = none\nLINE_BREAKER = (\\0)\n{props}", event) == fields


@pytest.mark.parametrize(
    ("transform", "event", "fields"),
    [
        ("REGEX = ([a-z]+)=([a-z]+)\nFORMAT = $1::$2", "a=b c=d a=e", {"a": ("b",), "c": ("d",)}),
        ("REGEX = ([a-z]+)=([a-z]+)\nFORMAT = $1::$2\nMV_ADD = true", "a=b a=e", {"a": ("b", "e")}),
        ("REGEX = (?<_KEY_1>[a-z]+)=(?<_VAL_1>[a-z]+)", "a=b c=d", {"a": ("b",), "c": ("d",)}),
        ("REGEX = (\\w) (\\w)\nFORMAT = first::$1 second::$2 third::other-value", "x y",
         {"first": ("x",), "second": ("y",), "third": ("other-value",)}),
        ("REGEX = (?<n>\\d)", "1 2", {"n": ("1",)}),
        ("REGEX = (?<n>\\d)\nMV_ADD = true", "1 2", {"n": ("1", "2")}),
        ("REGEX = (\\S+)=(\\S*)\nFORMAT = $1::$2\nCLEAN_KEYS = false", "a.b=1", {"a.b": ("1",)}),
        ("REGEX = (\\S+)=(\\S*)\nFORMAT = $1::$2", "a.b=1 _9c=2", {"a_b": ("1",), "c": ("2",)}),
        ("REGEX = (\\S+)=(\\S*)\nFORMAT = $1::$2\nKEEP_EMPTY_VALS = true", "a= b=1", {"a": ("",), "b": ("1",)}),
        ("REGEX = (\\S+)=(\\S*)\nFORMAT = $1::$2", "a= b=1", {"b": ("1",)}),
        ('DELIMS = "|", "="', "a=1|b=x y||c=2=3", {"a": ("1",), "b": ("x y",), "c": ("2=3",)}),
        ('DELIMS = ","\nFIELDS = f1, f2, f3, f4', '1,,"x,y",4', {"f1": ("1",), "f3": ("x,y",), "f4": ("4",)}),
        ('DELIMS = ", "\nFIELDS = f1, f2, f3', "1, 2", {"f1": ("1",), "f3": ("2",)}),
        ('DELIMS = "\\t"\nFIELDS = "a b", c', "1\t2", {"a_b": ("1",), "c": ("2",)}),
        ('DELIMS = ","', "a,1,b,2", {"a": ("1",), "b": ("2",)}),
        ("SOURCE_KEY = source\nREGEX = (?<ext>\\w+)$", "x", {"ext": ("log",)}),
        ("REGEX = (a)\nFORMAT = x::$1$1", "a", {}),
        ("REGEX = (a)\nFORMAT = x::$2", "a", {}),
        ('REGEX = (a)\nFORMAT = x::"$1"', "a", {"x": ("a",)}),
    ],
)  # fmt: skip
def test_report(transform: str, event: str, fields: dict[str, tuple[str, ...]]) -> None:
    props = "KV_MODE = none\nREPORT-a = t"
    assert only_fields(props, event, f"[t]\n{transform}\n") == fields


def test_a_report_reads_a_field_that_an_extract_has_found() -> None:
    props = "KV_MODE = none\nEXTRACT-a = args (?<args>.*)\nREPORT-a = t"
    assert only_fields(props, "args a:1,b:2", '[t]\nSOURCE_KEY = args\nDELIMS = ",", ":"\n') == {
        "args": ("a:1,b:2",),
        "a": ("1",),
        "b": ("2",),
    }


def test_the_order_is_extract_report_and_then_pairs() -> None:
    props = "EXTRACT-a = ^(?<x>\\w)\nREPORT-a = t"
    assert only_fields(props, "e x=k y=k z=k", "[t]\nREGEX = (?<y>r|k)\n") == {"x": ("e",), "y": ("k",), "z": ("k",)}


@pytest.mark.parametrize(
    ("props", "transforms", "word"),
    [
        ("EXTRACT-a = (?<a", "", "does not compile"),
        ("EXTRACT-a = abc", "", "no named group"),
        ("REPORT-a = t", "", "no stanza [t]"),
        ("REPORT-a = t", "[t]\nFORMAT = a::$1\n", "neither REGEX nor DELIMS"),
        ("REPORT-a = t", "[t]\nREGEX = abc\n", "neither named groups nor FORMAT"),
        ("KV_MODE = jsonn", "", "none of"),
        ("FIELDALIAS-a = x y", "", "AS alias"),
        ("FIELDALIAS-a = userID AS user loginID AS user", "", "one of them alone"),
        ("EVAL-a = spath(x)", "", "spath is not emulated"),
        ("EVAL-a = 1 +", "", "operand"),
        ("EVAL-a = 1 == 1", "", "true or false"),
        ("LOOKUP-a = t x OUTPUT y", "", "no file"),
        ("INDEXED_EXTRACTIONS = hec", "", "not replayed"),
    ],
)
def test_what_is_wrong_is_a_problem(props: str, transforms: str, word: str) -> None:
    assert word in " ".join(replayed(props, "x", transforms).report.problems)


def test_parts_of_a_format() -> None:
    assert format_parts('a::$1 b::"x y" $2::$3') == [("a", "$1"), ("b", "x y"), ("$2", "$3")]


def test_delimited_texts() -> None:
    assert list(named_values('a "b c"', " ", ("x", "y"))) == [("x", "a"), ("y", "b c")]
    assert list(pairs('a="1|2"|b=3', "|", "=")) == [("a", "1|2"), ("b", "3")]
    assert list(alternating("a 1  b 2", " ")) == [("a", "1"), ("b", "2")]
    assert list(named_values('5" pipe,x', ",", ("a", "b"))) == [("a", '5" pipe'), ("b", "x")]
