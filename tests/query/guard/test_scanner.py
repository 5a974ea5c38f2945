"""The scanner reads text as PostgreSQL does."""

import pytest

from app.query.guard.findings import GuardRefusal
from app.query.guard.scanner import scan


@pytest.mark.parametrize(
    ("sql", "tokens"),
    [
        ("Select A", ["select", "a"]),
        ('"A""b"', ['A"b']),
        ("'it''s'", ["it's"]),
        ("E'\\t\\'\\x41\\u00e9\\101'", ["\t'Aé" + "A"]),
        ("E'a''b'", ["a'b"]),
        ("'a\\'", ["a\\"]),
        ("$$ a'b $$", [" a'b "]),
        ("$t$ $$ $t$", [" $$ "]),
        ("a$b$c", ["a$b$c"]),
        ("'a'\n 'b'", ["ab"]),
        ("'a' -- c\n'b'", ["ab"]),
        ("1.5e-3 .5", ["1.5e-3", "0.5"]),
        ("a<-1", ["a", "<", "-", "1"]),
        ("a<>-1", ["a", "<>", "-", "1"]),
        ("a!=b", ["a", "<>", "b"]),
        ("2*-- x\n3", ["2", "*", "3"]),
        ("2*/* x */3", ["2", "*", "3"]),
        ("/* a /* b */ c */ 1", ["1"]),
        ("a::int[]", ["a", "::", "int", "[", "]"]),
        ("größe ÄRGER", ["größe", "Ärger"]),
    ],
)
def test_tokens(sql: str, tokens: list[str]) -> None:
    assert [token.value for token in scan(sql)] == tokens


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("'a' 'b'", "syntax"),
        ("E'a'\n'\\n'", "syntax"),
        ("'a' /* \n */ U&'b'", "unicode-escape"),
        ("E'\\xff'", "string-escape"),
        ("1_000_", "number-format"),
        ("1__000", "number-format"),
        ("0x1g", "number-format"),
        ("0x" + "f" * 41, "number-format"),
        ("1.e5", "number-format"),
        ("a ||- b", "operator"),
        ("a +* b", "operator"),
        ("$1", "parameter"),
        ("`a`", "operator"),
        ("{a}", "odd-character"),
        ("a\u200bb", "odd-character"),
        ('""', "syntax"),
        ("ä" * 32, "long-identifier"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(sql: str, rule: str) -> None:
    with pytest.raises(GuardRefusal) as refusal:
        scan(sql)
    assert refusal.value.rule == rule
