"""Which types a statement may name: the plain data types of contracts, and `interval`.

Invariant: a type name becomes one canonical spelling here, or the statement is refused. Types that look names up in the
system catalogue (`regclass` and its kin) are never among them.
"""

from collections.abc import Sequence
from typing import Final

from app.query.guard.findings import GuardRefusal
from app.query.guard.scanner import Token, word_set

MAX_MODIFIER: Final = 10_485_760  # the longest varchar(n) that PostgreSQL takes

_SPELLINGS: Final = {
    "CHAR": "char character",
    "SMALLINT": "smallint int2",
    "INT": "int integer int4",
    "BIGINT": "bigint int8",
    "DECIMAL": "numeric decimal dec",
    "REAL": "real float4",
    "DOUBLE PRECISION": "float float8",
    "BOOLEAN": "boolean bool",
}
_SAME: Final = "text varchar bpchar date time timetz timestamp timestamptz interval uuid json jsonb bytea"
_PLAIN: Final = {name: type_ for type_, names in _SPELLINGS.items() for name in names.split()} | {
    name: name.upper() for name in _SAME.split()
}
_MODIFIERS: Final = {"DECIMAL": 2} | dict.fromkeys(word_set("VARCHAR CHAR BPCHAR TIME TIMETZ TIMESTAMP TIMESTAMPTZ"), 1)
"""The numbers that may stand in brackets behind the type."""
_ALLOWED: Final = (
    "text, integer, bigint, numeric(p,s), double precision, boolean, date, timestamp, timestamptz, interval, "
    "uuid, jsonb"
)


def read_type(tokens: Sequence[Token], index: int, start: int, lead: str) -> tuple[str, int]:
    """The canonical spelling of the type name that begins at `tokens[index]`, and the index after it."""
    token = _at(tokens, index)
    if token.kind == "identifier" or (token.kind == "word" and token.value not in _PLAIN and token.value != "double"):
        raise _refused(token, start)
    if token.kind != "word":
        raise GuardRefusal("syntax", "A type name is missing.", _ALLOWED, start)
    name, index = _read_name(tokens, index, start)
    if _at(tokens, index).value == ".":
        raise _refused(token, start)
    modifiers, index = _read_modifiers(tokens, index, name, start)
    if name in {"TIME", "TIMESTAMP"}:
        if _words(tokens, index, "with", "time", "zone"):
            name, index = name + "TZ", index + 3
        elif _words(tokens, index, "without", "time", "zone"):
            index += 3
    if lead != "literal":
        modifiers, index = _read_array(tokens, index, modifiers)
    return name + modifiers, index


def _read_name(tokens: Sequence[Token], index: int, start: int) -> tuple[str, int]:
    token = tokens[index]
    if token.value == "double":
        if not _words(tokens, index + 1, "precision"):
            raise _refused(token, start)
        return "DOUBLE PRECISION", index + 2
    if token.value == "character" and _words(tokens, index + 1, "varying"):
        return "VARCHAR", index + 2
    return _PLAIN[token.value], index + 1


def _read_modifiers(tokens: Sequence[Token], index: int, name: str, start: int) -> tuple[str, int]:
    if not _is_sign(tokens, index, "("):
        return "", index
    numbers: list[str] = []
    index += 1
    while _at(tokens, index).kind == "number" and len(numbers) < _MODIFIERS.get(name, 0):
        numbers.append(_at(tokens, index).value)
        index += 1
        if _at(tokens, index).value != ",":
            break
        index += 1
    if (
        not _is_sign(tokens, index, ")")
        or not numbers
        or not all(number.isdigit() and int(number) <= MAX_MODIFIER for number in numbers)
    ):
        raise GuardRefusal("type-not-allowed", "The numbers behind the type are not ones it takes.", _ALLOWED, start)
    return f"({', '.join(numbers)})", index + 1


def _read_array(tokens: Sequence[Token], index: int, modifiers: str) -> tuple[str, int]:
    while _is_sign(tokens, index, "[") and _at(tokens, index + 1).value == "]":
        modifiers, index = modifiers + "[]", index + 2
    return modifiers, index


def _refused(token: Token, start: int) -> GuardRefusal:
    if token.value.startswith("reg"):
        return GuardRefusal("reg-cast", "Types that look up system names are not allowed.", "text", start)
    return GuardRefusal("type-not-allowed", f"The type {token.value[:40]} is not allowed.", _ALLOWED, start)


def _is_sign(tokens: Sequence[Token], index: int, sign: str) -> bool:
    return _at(tokens, index).value == sign and _at(tokens, index).kind == "punctuation"


def _words(tokens: Sequence[Token], index: int, *words: str) -> bool:
    return all(
        _at(tokens, index + step).kind == "word" and _at(tokens, index + step).value == word
        for step, word in enumerate(words)
    )


def _at(tokens: Sequence[Token], index: int) -> Token:
    return tokens[index] if index < len(tokens) else Token("punctuation", "", 0)
