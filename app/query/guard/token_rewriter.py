"""Writes the plain form of a statement: the elements that need a rewriting of their own.

Invariant: what leaves here reads the same to PostgreSQL (`app/query/guard/postgres_grammar.py` compares the two).
"""

from dataclasses import dataclass
from typing import Final

from app.kernel.quoting import quote_identifier, quote_literal
from app.query.guard import keywords as kw
from app.query.guard.findings import GuardRefusal
from app.query.guard.scanner import Token
from app.query.guard.type_names import read_type

_OF_A_CAST: Final = 8  # , 1 , CAST ( … AS INT )
MAX_COUNT_DIGITS: Final = 18  # what a bigint surely holds
NOTHING: Final = Token("punctuation", "", 0)


@dataclass(slots=True)
class Frame:
    """An open bracket: what kind it is and what has been met directly within it."""

    kind: str
    start: int
    cases: int = 0
    join: int | None = None  # where a JOIN stands that has no condition yet
    from_seen: bool = False
    closing: str = ""  # what is written before the bracket that closes it
    setting: bool = False  # a WINDOW clause has begun


class TokenRewriter:
    """Reads tokens from left to right and collects the pieces of the plain form and their places."""

    def __init__(self, tokens: list[Token], max_depth: int) -> None:
        self.tokens = tokens
        self.max_depth = max_depth
        self.at = 0
        self.frames = [Frame("statement", 0)]
        self.pieces: list[str] = []
        self.offsets: list[int] = []
        self.prefix_run = 0
        self.added = 0
        """Words and signs that were not there before."""

    def _peek(self, distance: int = 1) -> Token:
        index = self.at + distance
        return self.tokens[index] if 0 <= index < len(self.tokens) else NOTHING

    def _is(self, distance: int, *values: str) -> bool:
        token = self._peek(distance)
        return token.kind in {"word", "punctuation"} and token.value in values

    def _emit(self, text: str, start: int) -> None:
        self.pieces.append(text)
        self.offsets.append(start)

    def _keyword(self, token: Token) -> None:
        self._emit(token.value.upper(), token.start)
        self.at += 1

    def _name(self, token: Token) -> None:
        self._emit(quote_identifier(token.value), token.start)
        self.at += 1

    def _value(self, token: Token) -> None:
        match token.kind:
            case "identifier":
                self._name(token)
                return
            case "string":
                self._emit(quote_literal(token.value), token.start)
            case _:
                self._emit(token.value, token.start)
        self.at += 1

    def _operator(self, token: Token) -> None:
        self._emit(token.value, token.start)
        if token.value == "::":
            self._type(self.at + 1, "::")
        else:
            self.at += 1

    def _begins_operand(self) -> bool:
        before = self._peek(-1)
        if before.kind == "word":
            return before.value in kw.BEFORE_OPERAND and not self._is(-2, ".", "as")
        return before.kind == "operator" or (before.kind == "punctuation" and before.value in "([,:")

    def _type(self, index: int, lead: str) -> None:
        """Emits the type name that begins at `index` and goes on after it; `lead` says what asked for a type."""
        start = self.tokens[index].start if index < len(self.tokens) else self.tokens[-1].start
        name, self.at = read_type(self.tokens, index, start, lead)
        self._emit(name, start)

    def _bound(self, token: Token) -> None:
        """LIMIT, OFFSET and FETCH take a plain number, so that the bound is known; LIMIT leaves before OFFSET."""
        if token.value == "offset":
            count = self._count(token, self.at + 1)
            self.at += 1 if self._is(0, "row", "rows") else 0
            following = self._peek(0)
            if following.kind == "word" and following.value in {"limit", "fetch"}:
                self._bound(following)
            self._emit("OFFSET", token.start)
            self._emit(count.value, count.start)
        elif token.value == "limit":
            if self._is(1, "all", "null"):
                self.at += 2
                return
            count = self._count(token, self.at + 1)
            self._emit("LIMIT", token.start)
            self._emit(count.value, count.start)
        else:
            self._fetch(token)

    def _count(self, token: Token, at: int) -> Token:
        """The number at `at`; goes on after it. Raises `GuardRefusal` for anything else."""
        count = self.tokens[at] if at < len(self.tokens) else NOTHING
        self.at = at + 1
        whole = count.kind == "number" and count.value.isdigit() and len(count.value) <= MAX_COUNT_DIGITS
        if not whole or self._peek(0).kind == "operator":
            word = token.value.upper()
            raise token.refusal("limit-expression", f"{word} takes a plain whole number.", f"{word} 100")
        return count

    def _fetch(self, token: Token) -> None:
        at = self.at + 1 + int(self._is(1, "first", "next"))
        self.at = at
        count = Token("number", "1", token.start) if self._is(0, "row", "rows") else self._count(token, at)
        self.at += 1 if self._is(0, "row", "rows") else 0
        ties = self._is(0, "with") and self._is(1, "ties")
        self.at += 2 if ties else 1 if self._is(0, "only") else 0
        self._emit("FETCH FIRST" if ties else "LIMIT", token.start)
        self._emit(count.value, count.start)
        if ties:
            self._emit("ROWS WITH TIES", token.start)

    def _form(self, token: Token) -> None:
        if token.value in {"substring", "overlay"}:
            self._emit(quote_identifier(token.value), token.start)
            if token.value == "substring":
                self._begin_with_from()
        elif token.value == "trim" and not self._words_within(kw.FORMS["trim"]):
            # trim(a, b) is this call; the form with FROM turns its parts round
            self._emit('"btrim"', token.start)
        else:
            self._emit(token.value.upper(), token.start)
        self.at += 1

    def _words_within(self, words: frozenset[str]) -> dict[str, int]:
        """Where each of the words stands directly within the brackets that open at the next token; `)` their end."""
        depth = 0
        found: dict[str, int] = {}
        for index in range(self.at + 1, len(self.tokens)):
            token = self.tokens[index]
            if token.kind == "punctuation":
                depth += 1 if token.value in "([" else -1 if token.value in ")]" else 0
            if depth == 0:
                return found | {")": index} if found else {}
            if depth == 1 and token.kind == "word" and token.value in words:
                found.setdefault(token.value, index)
        return found

    def _begin_with_from(self) -> None:
        """Brings `substring(a FOR c FROM b)` into the order of the call, `FROM b FOR c`."""
        found = self._words_within(kw.FORMS["substring"])
        if {"from", "for", ")"} <= found.keys() and found["for"] < found["from"]:
            first, second, end = found["for"], found["from"], found[")"]
            self.tokens[first:end] = self.tokens[second:end] + self.tokens[first:second]

    def _form_word(self, token: Token, frame: Frame) -> None:
        if frame.kind in {"substring", "overlay"}:  # FROM, FOR and PLACING stand for commas
            self._emit(",", token.start)
            if frame.kind == "substring" and token.value == "for" and not frame.from_seen:
                self._emit("1 , CAST (", token.start)  # as PostgreSQL's grammar reads it
                frame.closing = "AS INT )"
                self.added += _OF_A_CAST
            frame.from_seen = True
            self.at += 1
            return
        if frame.kind == "extract" and not self._is(1, "from") and token.value != "from":
            self._name(token)
            return
        self._keyword(token)

    def _typed_literal(self, token: Token) -> bool:
        """`DATE '2013-01-01'` and `INTERVAL '1 day'` leave as CAST('…' AS …), which has one meaning everywhere."""
        if token.value not in kw.TYPE_STARTS or not (
            self._peek().kind == "string" or token.value in kw.LONG_TYPES or self._is(1, "(")
        ):
            return False
        try:
            name, end = read_type(self.tokens, self.at, token.start, "literal")
        except GuardRefusal:
            return False
        literal = self.tokens[end] if end < len(self.tokens) else NOTHING
        if literal.kind != "string":
            return False
        value, self.at = literal.value, end + 1
        if name == "INTERVAL" and self._peek(0).kind == "word" and self._peek(0).value in kw.INTERVAL_UNITS:
            unit = self._peek(0)
            if not value.strip().lstrip("-").isdigit() or self._is(1, "to"):
                raise unit.refusal(
                    "interval", "Only a whole number goes with an interval unit.", "INTERVAL '1 day 2 hours'"
                )
            value, self.at = f"{value.strip()} {unit.value}", self.at + 1
        self._emit("CAST (", token.start)
        self._emit(quote_literal(value), literal.start)
        self._emit(f"AS {name}", token.start)
        self._emit(")", token.start)
        return True
