"""A question as tokens: words, numbers, quoted texts, signs. Pure."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from app.query.language.reading.numbers import SCALES, number_in_digits, number_in_words, scaled
from app.query.language.reading.stems import lemma

LONGEST: Final = 1_000
"""Characters of a question that are read; a longer one is refused by whoever asks."""


class TokenKind(StrEnum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    QUOTED = "quoted"
    SIGN = "sign"
    """A comparison or a slash."""
    STOP = "stop"
    """The end of a sentence."""
    COMMA = "comma"
    MARK = "mark"
    """Any other sign, which says nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a question and where it stands."""

    kind: TokenKind
    text: str
    """As written; of a quoted text what is between the quotes."""
    start: int
    end: int
    number: float | int | None = None
    percent: bool = False

    @property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower().replace("\u2019", "'")

    @property
    def lemma(self) -> str:
        """The word in the singular."""
        return lemma(self.lower)

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter, as names do."""
        return self.text[:1].isupper()


_TOKEN: Final = re.compile(
    r"""
      (?P<quoted>"[^"]{1,200}"|`[^`]{1,200}`|\u201c[^\u201d]{1,200}\u201d|(?<![\w])'[^']{1,200}'(?!\w)|(?<!\w)\u2018[^\u2019]{1,200}\u2019(?!\w))
    | (?P<number>(?:(?<!\S)[-\u2212](?=[$\d]))?(?:
          \$?(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?:\s?%|[kKmM](?!\w))?
        | \$?(?<![\w])\d+(?:\.\d+)?(?:[eE]\d{1,3}|\s?%|[kKmM])?(?![\w])))
    | (?P<word>[^\W_]+(?:[_'\u2019][^\W_]+)*)
    | (?P<sign><=|>=|<>|!=|==|=|<|>|/|\*)
    | (?P<stop>[.?!;]+(?=\s|$)|\n+)
    | (?P<comma>[,:])
    | (?P<mark>\S)
    """,
    re.VERBOSE,
)
_KINDS: Final = {
    "quoted": TokenKind.QUOTED, "number": TokenKind.NUMBER, "word": TokenKind.WORD, "sign": TokenKind.SIGN,
    "stop": TokenKind.STOP, "comma": TokenKind.COMMA, "mark": TokenKind.MARK,
}  # fmt: skip


def tokens_of(question: str) -> tuple[Token, ...]:
    """The tokens of the question, in order; number words are numbers."""
    found: list[Token] = []
    for match in _TOKEN.finditer(question[:LONGEST]):
        kind = _KINDS[str(match.lastgroup)]
        text = match.group()
        if kind is TokenKind.QUOTED:
            found.append(Token(kind, text[1:-1], match.start(), match.end()))
        elif kind is TokenKind.NUMBER:
            value, percent = number_in_digits(text)
            found.append(Token(kind, text, match.start(), match.end(), value, percent))
        elif kind is TokenKind.WORD:
            found += _words(text, match.start())
            if len(found) > 1 and found[-1].lower in SCALES and found[-2].kind is TokenKind.NUMBER:
                found[-2:] = [_scaled(question, found[-2], found[-1])]
            elif found[-1].lower in SCALES and [each.lower for each in found[-3:-1]] == ["half", "a"]:
                found[-3:] = [_scaled(question, replace(found[-3], number=0.5), found[-1])]
        elif not (text in "-\u2010\u2011" and _between_letters(question, match.start())):
            found.append(Token(kind, text, match.start(), match.end()))
    return tuple(found)


def _scaled(question: str, number: Token, scale: Token) -> Token:
    """Both as one number: 3 thousand."""
    value = scaled(number.number or 0, scale.lower)
    return Token(TokenKind.NUMBER, question[number.start : scale.end], number.start, scale.end, value)


def _between_letters(question: str, place: int) -> bool:
    """Whether the sign joins two parts of a word: `check-ins`."""
    return question[place - 1 : place].isalpha() and question[place + 1 : place + 2].isalpha()


def _words(text: str, start: int) -> list[Token]:
    """The word without a possessive ending; as a number when it is one."""
    bare = re.sub(r"['\u2019]s$|(?<=s)['\u2019]$", "", text)
    number = number_in_words(bare.lower())
    kind = TokenKind.WORD if number is None else TokenKind.NUMBER
    return [Token(kind, bare or text, start, start + len(text), number)]
