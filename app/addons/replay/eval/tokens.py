"""The words of an eval expression."""

import re
from dataclasses import dataclass

MAX_EXPRESSION_CHARACTERS = 20_000
MAX_TOKENS = 4_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_]))
    |"(?P<string>(?:[^"\\]|\\.)*+)"
    |'(?P<field>[^']*+)'
    |(?P<name>[A-Za-z_][A-Za-z0-9_:]*)
    |(?P<mark>==|!=|<=|>=|[=<>+\-*/%.(),])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\])')


class EvalError(ValueError):
    """The expression cannot be read, or asks for what is not emulated; the message says what and where."""


@dataclass(frozen=True)
class Token:
    """One word: `kind` is number, string, field (in single quotes), name, mark or end; `position` counts from 0."""

    kind: str
    text: str
    position: int


def tokenize(expression: str) -> list[Token]:
    r"""The words of the expression, the last is of the kind `end`. In strings `\"` and `\\` are escapes, no others.

    Raises EvalError.
    """
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise EvalError(
            f"the expression has {len(expression)} characters, at most {MAX_EXPRESSION_CHARACTERS} are read"
        )
    found: list[Token] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None or len(found) >= MAX_TOKENS:
            raise EvalError(f"cannot be read at character {position}: {expression[position : position + 30]!r}")
        kind = match.lastgroup or "mark"
        text = match.group(kind)
        found.append(Token(kind, _ESCAPE.sub(r"\1", text) if kind == "string" else text, match.start(kind)))
        position = match.end()
    found.append(Token("end", "", end))
    return found
