"""The tokens of a text: quoted and bracketed pieces whole, words, and the punctuation between them."""

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_TOKENS = 120
"""Of a longer text the first tokens are looked at: the rest is prose or data."""
_TOKEN = re.compile(
    r"""(?P<space>\s*)
    (?:(?P<quoted>"(?:[^"\\]|\\.)*"|(?<!\w)'[^'\n]{0,300}'(?!\w))
    |(?P<bracketed>\[[^\[\]\n]{0,400}\]|<[^<>\n]{0,400}>)
    |(?P<plain>[^\s"'\[\](){}<>,;|]+(?:(?<=[^\W\d_])'(?=[^\W\d_])[^\s"'\[\](){}<>,;|]+)*)
    |(?P<mark>\S))""",
    re.VERBOSE,
)
_TRAILING = re.compile(r"^(.*[^:.!?])([:.!?]+)$")
_KEY = re.compile(r"([A-Za-z_][\w.-]{0,30}=)(?!=)(.+)")


class Kind(StrEnum):
    """What sort of piece a token is."""

    QUOTED = "quoted"
    BRACKETED = "bracketed"
    PLAIN = "plain"
    MARK = "mark"


@dataclass(frozen=True)
class Token:
    """One token: `gap + opening + text + closing` as it stands in the text; the gap is white space.

    `opening` of a plain token is its key with the equals sign (`port=`), of the others their quote or bracket.
    """

    kind: Kind
    text: str
    opening: str = ""
    closing: str = ""
    gap: str = ""


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of the text, in order; at most MAX_TOKENS."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        if len(found) >= MAX_TOKENS:
            break
        gap = match["space"]
        if match["quoted"] or match["bracketed"]:
            whole = match["quoted"] or match["bracketed"]
            kind = Kind.QUOTED if match["quoted"] else Kind.BRACKETED
            found.append(Token(kind, whole[1:-1], whole[0], whole[-1], gap))
        elif match["plain"]:
            found += _plain(match["plain"], gap)
        else:
            found.append(Token(Kind.MARK, match["mark"], gap=gap))
    return tuple(found)


def _plain(text: str, gap: str) -> list[Token]:
    """The tokens of a run without blanks: what ends a sentence or a clause is punctuation of its own."""
    trailing = _TRAILING.match(text)
    body, marks = (trailing[1], trailing[2]) if trailing else (text, "")
    key = _KEY.fullmatch(body)
    token = Token(Kind.PLAIN, key[2], key[1], gap=gap) if key else Token(Kind.PLAIN, body, gap=gap)
    return [token, *([Token(Kind.MARK, marks)] if marks else [])]
