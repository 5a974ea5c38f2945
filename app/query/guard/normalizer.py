"""Decides which words of a statement are keywords and rewrites it into the small, plain SQL that the parser is given.

Invariant: a word is a keyword only where this module says so; every other word leaves as a quoted identifier. The
parser therefore never meets a dialect feature that PostgreSQL reads otherwise, and its backtracking stays bounded.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from app.kernel.quoting import RESERVED
from app.query.guard import keywords as kw
from app.query.guard.findings import GuardRefusal
from app.query.guard.scanner import Token, scan
from app.query.guard.token_rewriter import NOTHING, Frame, TokenRewriter

MAX_TOKENS: Final = 4_100  # the dearest take some 40 microseconds each, in all that is done with them
MAX_PREFIX_RUN: Final = 8  # NOT NOT NOT …, - - - …: each one is a stack frame of the parser


@dataclass(frozen=True, slots=True)
class NormalizedStatement:
    """The plain text, and where each of its pieces came from.

    `said` is the user's text with spaces for comments to the end of a line, which `pgparse` does not take between two
    parts of one string as the server does.
    """

    said: str
    text: str
    starts: tuple[int, ...]
    offsets: tuple[int, ...]

    def offset_of(self, start: int) -> int:
        """The offset in the original text of the piece that stands at `start` in the plain text."""
        index = bisect_right(self.starts, start) - 1
        return self.offsets[max(index, 0)] if self.offsets else 0


def normalize(sql: str, max_depth: int) -> NormalizedStatement:
    """The plain form of `sql`. Raises `GuardRefusal` for anything that has no place in one read-only query."""
    comments: list[tuple[int, int]] = []
    tokens = scan(sql, comments)
    if len(tokens) > MAX_TOKENS:
        raise _too_many(tokens[MAX_TOKENS])
    while tokens and tokens[-1].value == ";" and tokens[-1].kind == "punctuation":
        tokens.pop()
    if not tokens:
        raise GuardRefusal("empty", "There is no statement.", "SELECT … FROM …")
    _first_word(tokens)
    said = sql
    for start, end in comments:
        said = said[:start] + " " * (end - start) + said[end:]
    return _Normalizer(tokens, max_depth).run(said)


def _too_many(token: Token) -> GuardRefusal:
    return token.refusal("too-complex", f"More than {MAX_TOKENS} words and signs.", "a table to join with")


def _first_word(tokens: list[Token]) -> None:
    first = next((token for token in tokens if token.value != "("), tokens[0])
    if first.kind != "word" or first.value not in {"select", "with"}:
        raise first.refusal(
            "statement-kind", "Only a query that begins with SELECT or WITH is read.", "SELECT … FROM …"
        )


class _Normalizer(TokenRewriter):
    """Takes words for keywords or names by what stands around them."""

    def run(self, said: str) -> NormalizedStatement:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self._count_prefixes(token)
            if token.kind == "word":
                self._word(token)
            elif token.kind == "punctuation":
                self._punctuation(token)
            elif token.kind == "operator":
                self._operator(token)
            else:
                self._value(token)
        self._settle_join(self.frames[-1])
        if len(self.frames) > 1:
            raise GuardRefusal("syntax", "A bracket is not closed.", offset=self.frames[-1].start)
        if len(self.tokens) + self.added > MAX_TOKENS:
            raise _too_many(self.tokens[-1])
        starts = tuple(accumulate((len(piece) + 1 for piece in self.pieces[:-1]), initial=0))
        return NormalizedStatement(said, " ".join(self.pieces), starts, tuple(self.offsets))

    def _count_prefixes(self, token: Token) -> None:
        prefix = token.value in {"not", "-", "+", "~"} and token.kind in {"word", "operator"}
        self.prefix_run = self.prefix_run + 1 if prefix else 0
        if self.prefix_run > MAX_PREFIX_RUN:
            raise token.refusal("too-complex", "Too many signs or NOTs stand in a row.", "one NOT or one sign")

    def _punctuation(self, token: Token) -> None:
        match token.value:
            case "(" | "[":
                self._open(token)
                if token.value == "[" and (self._is(-1, "[") or (self._is(-1, ",") and self.frames[-2].kind == "[")):
                    self._emit("ARRAY", token.start)  # the inner arrays of ARRAY[[1], [2]]
            case ")" | "]":
                self._close(token)
            case ";":
                raise token.refusal("multiple-statements", "More than one statement.", "send one statement at a time")
            case ":" if self.frames[-1].kind != "[":
                raise token.refusal("parameter", "Parameters have no value here.", "write the value itself")
            case ",":
                self._settle_join(self.frames[-1])
            case _:
                pass
        self._emit(token.value, token.start)
        self.at += 1

    def _open(self, token: Token) -> None:
        kind = "[" if token.value == "[" else "("
        if kind == "(" and (self._is(-1, "over") or (self._is(-1, "as") and self.frames[-1].setting)):
            kind = "window"
        elif kind == "(" and self._peek(-1).kind == "word" and self._peek(-1).value in kw.FORMS:
            kind = self._peek(-1).value
        elif kind == "(" and self._is(1, "insert", "update", "delete", "merge") and self._is(-1, "as", "materialized"):
            raise self._peek().refusal("data-modifying", "A query may not change data.", "a SELECT in the CTE")
        self.frames.append(Frame(kind, token.start))
        if len(self.frames) - 1 + sum(frame.cases for frame in self.frames) > self.max_depth:
            raise token.refusal("too-complex", f"Nested more than {self.max_depth} levels deep.", "name parts in WITH")

    def _close(self, token: Token) -> None:
        frame = self.frames[-1]
        if len(self.frames) == 1 or (frame.kind == "[") != (token.value == "]"):
            raise token.refusal("syntax", "A bracket closes what is not open.")
        self._settle_join(frame)
        if frame.closing:
            self._emit(frame.closing, token.start)
        self.frames.pop()

    def _settle_join(self, frame: Frame) -> None:
        """A JOIN must have met its ON or USING by now: checked here, as the parser would try every pairing in turn."""
        if frame.join is not None:
            raise GuardRefusal(
                "unconstrained-join", "A JOIN has no condition.", "JOIN b ON a.column = b.column", frame.join
            )

    def _word(self, token: Token) -> None:
        word, frame = token.value, self.frames[-1]
        if self._is(-1, ".") or self._is_label(word):
            self._name(token)
        elif self._is(-1, "as") and frame.kind == "cast":
            self._type(self.at, "cast")
        elif word in kw.FORMS and self._is(1, "("):
            self._form(token)
        elif word == "operator" and self._is(1, "("):
            raise token.refusal("operator", "OPERATOR() hides which operator runs.", "write the operator itself")
        elif not self._is(-1, "as") and self._typed_literal(token):
            return
        elif self._is(1, "(") and word not in kw.BEFORE_BRACKET and word not in kw.NEVER_CALLED:
            self._name(token)  # a function, or an alias with a list of columns
        elif self._is(-1, "as"):
            self._after_as(token)
        elif frame.kind == "window" and word in kw.WINDOW_FRAME and not self._is(-1, "by", ","):
            self._keyword(token)
        elif frame.kind in kw.FORMS and word in kw.FORMS[frame.kind]:
            self._form_word(token, frame)
        else:
            self._plain_word(token, frame)

    def _after_as(self, token: Token) -> None:
        if token.value in {"materialized", "not"} and self._is(1, "(", "materialized"):
            self._keyword(token)
        else:
            self._name(token)

    def _plain_word(self, token: Token, frame: Frame) -> None:
        word = token.value
        if word == "recursive" and self._is(-1, "with"):
            raise token.refusal("recursive-cte", "Recursion has no bound.", "generate_series(…) or a window function")
        if word == "lateral" and self._peek().kind == "word" and self._is(2, "("):
            self.at += 1  # a noise word before a function
            return
        if word in kw.REFUSED:
            raise token.refusal(*kw.REFUSED[word])
        if word in kw.CLAUSES:
            self._clause(token, frame)
        elif word in kw.ALWAYS or self._by_neighbour(word):
            self._keyword(token)
        elif word in RESERVED:
            raise token.refusal(
                "keyword", f"The keyword {word.upper()} has no place in a query here.", f'"{word}" if it is a name'
            )
        else:
            self._name(token)

    def _is_label(self, word: str) -> bool:
        """Whether an operator's word has no right side, and so is a name of an output column: `SELECT a in FROM t`."""
        return word in kw.INFIX and (self._peek() is NOTHING or self._is(1, ",", "from", ")", "union"))

    def _by_neighbour(self, word: str) -> bool:
        if word == "unknown":
            return self._is(-1, "is") or (self._is(-1, "not") and self._is(-2, "is"))
        if word == "escape":
            return self._peek().kind == "string" and self._peek(-1).kind in {"string", "identifier"}
        return self._is(1, *kw.BEFORE.get(word, ())) or self._is(-1, *kw.AFTER.get(word, ()))

    def _clause(self, token: Token, frame: Frame) -> None:  # noqa: C901 - one arm per clause
        word = token.value
        if word in kw.ENDS_JOIN:
            self._settle_join(frame)
        match word:
            case "case" | "end":
                frame.cases += 1 if word == "case" else -1
                if frame.cases < 0:
                    raise token.refusal("syntax", "END without CASE.", "CASE WHEN … THEN … END")
            case "join" if not self._is(-1, "cross"):
                frame.join = token.start
            case "on" | "using":
                frame.join = None
            case "window":
                frame.setting = True
            case "for":
                raise token.refusal("locking-clause", "A query may not lock rows.", "leave FOR UPDATE or FOR SHARE out")
            case "limit" | "offset" | "fetch":
                self._bound(token)
                return
            case "values" if not (self._is(-1, "(") and self._is(-2, "from", "join")):
                raise token.refusal(
                    "values-outside-from", "VALUES stands in FROM only.", "FROM (VALUES (1, 'a')) AS v(id, name)"
                )
            case "union" | "intersect" | "except" if self._begins_operand() or self._is(-1, "from", "join", "by"):
                raise token.refusal("syntax", f"{word.upper()} follows a query.", f"SELECT … {word.upper()} SELECT …")
            case "distinct" if self._is(-1, "union", "intersect", "except"):
                self.at += 1  # the default, said aloud
                return
            case "all" if self._is(-1, "select") or (
                self._is(-1, "(")
                and self._peek(-2).kind in {"word", "identifier"}
                and not self._is(-2, *kw.BEFORE_BRACKET)
            ):
                self.at += 1  # the default, said aloud
                return
        self._keyword(token)
