"""Reads SQL text the way PostgreSQL's own scanner does, so that nothing later depends on how another library reads it.

Invariant: every character belongs to a token whose meaning in PostgreSQL is certain, or the text is refused. Source of
the rules: PostgreSQL 18, "Lexical Structure" (4.1) and `src/backend/parser/scan.l`.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from app.query.guard.findings import GuardRefusal

Kind = Literal["word", "identifier", "string", "number", "operator", "punctuation"]


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for lists that are read more often than changed."""
    return frozenset(text.split())


MAX_IDENTIFIER_BYTES: Final = 63  # NAMEDATALEN - 1: PostgreSQL would cut a longer name and read another one

MAX_DIGITS: Final = 40
"""Of a number to another base: PostgreSQL's own types hold sixteen."""

MAX_COMMENTS: Final = 100
"""Opened and closed, nested ones too: PostgreSQL's own scanner takes a time for them that grows with their square."""

OPERATORS: Final = word_set(
    "+ - * / % ^ | & # ~ = < > <= >= <> != << >> || -> ->> #> #>> @> <@ ? ?| ?& && ~* !~ !~* @? => :: ^@"
)

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\n\r\f\v]+)
  | (?P<comment>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<unicode>[uU]&['"])
  | (?P<prefixed>[eEbBxXnN]')
  | (?P<string>'(?:[^']|'')*')
  | (?P<identifier>"(?:[^"]|"")*")
  | (?P<parameter>\$[0-9])
  | (?P<dollar>\$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$)
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
  | (?P<based>0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)
  | (?P<number>(?:[0-9](?:_?[0-9])*(?:\.[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?)
  | (?P<cast>::)
  | (?P<punctuation>[()\[\],;.:])
  | (?P<operator>[-+*/<>=~!@\#%^&|`?]+)
    """,
    re.VERBOSE,
)
_REFUSED: Final = {
    "prefixed": ("bit-string", "Bit, hexadecimal and national strings are not read.", "a plain string 'text'"),
    "unicode": ("unicode-escape", "U& strings and identifiers hide names and are not read.", "write the characters"),
    "parameter": ("parameter", "Parameters have no value here.", "write the value itself"),
}
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_OPERATOR_TAIL = frozenset("~!@#%^&|`?")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3})|([\s\S]))")
_HIGHEST_SURROGATE: Final = 0xDFFF
_FIRST_SURROGATE: Final = 0xD800
_HIGHEST_CODE_POINT: Final = 0x10FFFF
_HIGHEST_ASCII: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Token:
    """A lexical element: `value` is folded for words, unescaped for strings and quoted identifiers."""

    kind: Kind
    value: str
    start: int

    def refusal(self, rule: str, message: str, nearest: str | None = None) -> GuardRefusal:
        """The refusal of the statement for what stands at this token."""
        return GuardRefusal(rule, message, nearest, self.start)


def fold(word: str) -> str:
    """The word as PostgreSQL folds an unquoted identifier in a UTF-8 database: ASCII letters only."""
    return word.lower() if word.isascii() else "".join(c.lower() if c.isascii() else c for c in word)


def scan(sql: str, comments: list[tuple[int, int]] | None = None) -> list[Token]:
    """The tokens of `sql`, comments dropped. Raises `GuardRefusal` where PostgreSQL and this scanner could differ.

    Into `comments` goes where each comment to the end of a line begins and ends.
    """
    if sql.count("/*") > MAX_COMMENTS:
        raise GuardRefusal("too-complex", f"More than {MAX_COMMENTS} comments.", "-- a comment", sql.index("/*"))
    tokens: list[Token] = []
    position, length, newline_since, joinable = 0, len(sql), False, False
    while position < length:
        match = _TOKEN.match(sql, position)
        if match is None:
            raise _unreadable(sql, position)
        kind, text, start = match.lastgroup, match.group(), position
        position = match.end()
        if kind == "comment" and comments is not None:
            comments.append((start, position))
        if kind in {"space", "comment"}:
            newline_since = newline_since or "\n" in text or "\r" in text
            continue
        if kind == "block":
            position = _end_of_comment(sql, start)
            newline_since = newline_since or "\n" in sql[start:position]
            continue
        token, position = _token(sql, str(kind), text, start, position)
        previous = tokens[-1] if tokens else None
        if token.kind == "string" and previous is not None and previous.kind == "string":
            # The standard joins literals that are separated by a line break, and only those.
            if not (newline_since and joinable and kind == "string"):
                raise GuardRefusal("syntax", "Two string literals stand side by side.", "join strings with ||", start)
            tokens[-1] = Token("string", previous.value + token.value, previous.start)
        else:
            tokens.append(token)
        newline_since, joinable = False, kind == "string"
    return tokens


def _token(  # noqa: C901, PLR0911 - one arm per kind of token
    sql: str, kind: str, text: str, start: int, end: int
) -> tuple[Token, int]:
    match kind:
        case "word":
            return _word(text, start), end
        case "number" | "based":
            return _number(sql, text, start, end)
        case "string":
            return Token("string", _clean(text[1:-1].replace("''", "'"), start), start), end
        case "identifier":
            return Token("identifier", _name(text[1:-1].replace('""', '"'), start), start), end
        case "operator":
            return _operator(text, start)
        case "cast":
            return Token("operator", "::", start), end
        case "prefixed" if text[0] in "eE":
            return _escape_string(sql, start)
        case "dollar":
            close = sql.find(text, end)
            if close < 0:
                raise GuardRefusal("syntax", "A dollar-quoted string is not closed.", offset=start)
            return Token("string", _clean(sql[end:close], start), start), close + len(text)
        case "prefixed" | "unicode" | "parameter":
            raise GuardRefusal(*_REFUSED[kind], start)
        case _:
            return Token("punctuation", text, start), end


def _word(text: str, start: int) -> Token:
    if not text.isascii():
        for index, character in enumerate(text):
            if ord(character) > _HIGHEST_ASCII and not character.isalnum():
                raise GuardRefusal(
                    "odd-character", "A character is neither a letter nor a digit.", "quote the name", start + index
                )
    return Token("word", _name(fold(text), start), start)


def _name(name: str, start: int) -> str:
    if not name:
        raise GuardRefusal("syntax", "A quoted identifier is empty.", offset=start)
    _clean(name, start)
    if len(name.encode()) > MAX_IDENTIFIER_BYTES:
        raise GuardRefusal(
            "long-identifier", f"A name is longer than {MAX_IDENTIFIER_BYTES} bytes.", "a shorter name", start
        )
    return name


def _clean(text: str, start: int) -> str:
    if "\0" in text:
        raise GuardRefusal("odd-character", "The text holds a NUL character.", offset=start)
    return text


def _number(sql: str, text: str, start: int, end: int) -> tuple[Token, int]:
    following = sql[end : end + 1]
    if following == "." or following.isalnum() or (following and following in "_$"):
        raise GuardRefusal("number-format", "The number is not in plain decimal form.", "1234, 12.5 or 1e6", start)
    if len(text) > MAX_DIGITS and text[:2].isalnum() and not text[1:2].isdigit():
        raise GuardRefusal("number-format", "The number has too many digits.", "1234, 12.5 or 1e6", start)
    return Token("number", plain_number(text), start), end


def plain_number(text: str) -> str:
    """A number as the guard writes it: decimal, without underscores, with a digit before the point."""
    text = text.replace("_", "").lower()
    if text[:2] in {"0x", "0o", "0b"}:
        return str(int(text, 0))
    return "0" + text if text.startswith(".") else text


def _operator(text: str, start: int) -> tuple[Token, int]:
    # An operator ends where a comment begins, and cannot end in + or - unless it holds one of these characters (4.1.3).
    for comment in ("--", "/*"):
        cut = text.find(comment, 1)
        text = text[:cut] if cut > 0 else text
    while len(text) > 1 and text[-1] in "+-" and not _OPERATOR_TAIL.intersection(text):
        text = text[:-1]
    if text not in OPERATORS:
        raise GuardRefusal(
            "operator", f"The operator {text[:16]} is not allowed.", "put a space between operators", start
        )
    return Token("operator", "<>" if text == "!=" else text, start), start + len(text)


def _end_of_comment(sql: str, start: int) -> int:
    depth, position = 0, start
    while True:
        edge = _BLOCK_EDGE.search(sql, position)
        if edge is None:
            raise GuardRefusal("syntax", "A comment is not closed.", "close it with */", start)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
        if depth == 0:
            return position


def _escape_string(sql: str, start: int) -> tuple[Token, int]:
    position = start + 2
    while position < len(sql):
        character = sql[position]
        if character == "\\" or sql.startswith("''", position):
            position += 2
        elif character == "'":
            body = sql[start + 2 : position]
            return Token("string", _clean(_unescape(body, start), start), start), position + 1
        else:
            position += 1
    raise GuardRefusal("syntax", "A string is not closed.", offset=start)


def _unescape(body: str, start: int) -> str:
    def replace(match: re.Match[str]) -> str:
        hexadecimal, short, long, octal, plain = match.groups()
        if plain is not None:
            return _ESCAPES.get(plain, plain) if plain not in "xuU" else _refuse_escape(start)
        code = int(octal, 8) if octal else int(hexadecimal or short or long, 16)
        byte = octal is not None or hexadecimal is not None
        if (
            not 0 < code <= _HIGHEST_CODE_POINT
            or _FIRST_SURROGATE <= code <= _HIGHEST_SURROGATE
            or (byte and code > _HIGHEST_ASCII)
        ):
            return _refuse_escape(start)
        return chr(code)

    # The quote is doubled before escapes are undone only where it is not itself escaped, hence one pass over both.
    return re.sub(r"''", lambda _: "'", _ESCAPE.sub(lambda m: replace(m).replace("'", "''"), body))


def _refuse_escape(start: int) -> str:
    raise GuardRefusal(
        "string-escape", "A string escape does not name one character.", "write the character itself", start
    )


def _unreadable(sql: str, position: int) -> GuardRefusal:
    character = sql[position]
    if character in "'\"":
        return GuardRefusal("syntax", "A quotation is not closed.", offset=position)
    if character == "\\":
        return GuardRefusal(
            "statement-kind", "Commands of the psql client are not SQL.", "a SELECT statement", position
        )
    return GuardRefusal("odd-character", "A character is not part of SQL.", offset=position)
