"""From the text of an eval expression to its parts, by operator precedence (Pratt).

From weak to strong: OR and XOR, AND, NOT, comparisons with LIKE and IN, `+ - .`, `* / %`, a sign (Search reference,
"eval", boolean and other operators).
"""

from app.addons.replay.eval.nodes import Binary, Call, FieldName, Literal, Node, Unary
from app.addons.replay.eval.tokens import EvalError, Token, tokenize

MAX_DEPTH = 100
_NOT, _COMPARISON, _SIGN = 3, 4, 7
_STRENGTH = {
    "OR": 1,
    "XOR": 1,
    "AND": 2,
    "LIKE": _COMPARISON,
    "IN": _COMPARISON,
    **dict.fromkeys(("=", "==", "!=", "<", ">", "<=", ">="), _COMPARISON),
    **dict.fromkeys(("+", "-", "."), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
_WORDS = frozenset({"OR", "XOR", "AND", "LIKE", "IN", "NOT"})


def parse_expression(text: str) -> Node:
    """The expression; raises EvalError."""
    parser = _Parser(tokenize(text))
    node = parser.expression(0)
    parser.expect("end", "")
    return node


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def expression(self, weakest: int) -> Node:
        """The longest expression whose operators are stronger than that."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise EvalError(f"parts are nested more than {MAX_DEPTH} deep")
        left = self._operand()
        while (operator := self._operator()) and _STRENGTH[operator] > weakest:
            self._at += 1
            if operator == "IN":
                left = Call("in", (left, *self._arguments()))
            else:
                symbol = "==" if operator == "=" else operator
                left = Binary(symbol, left, self.expression(_STRENGTH[operator]))
        self._depth -= 1
        return left

    def expect(self, kind: str, text: str) -> None:
        """Take the next word, which must be that one."""
        token = self._tokens[self._at]
        if token.kind != kind or token.text != text:
            raise EvalError(f"{text or 'the end'} expected at character {token.position}, found {token.text[:30]!r}")
        self._at += 1

    def _operator(self) -> str:
        token = self._tokens[self._at]
        word = token.text.upper() if token.kind == "name" else token.text
        return word if token.kind in {"name", "mark"} and word in _STRENGTH else ""

    def _operand(self) -> Node:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "number":
            return Literal(float(token.text))
        if token.kind == "string":
            return Literal(token.text)
        if token.kind == "field":
            return FieldName(token.text)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            inner = self.expression(0)
            self.expect("mark", ")")
            return inner
        if token.text in {"-", "+"}:
            operand = self.expression(_SIGN)
            return Unary("-", operand) if token.text == "-" else operand
        raise EvalError(f"an operand is missing at character {token.position}")

    def _named(self, token: Token) -> Node:
        if token.text.upper() == "NOT":
            return Unary("NOT", self.expression(_NOT))
        if self._tokens[self._at].text == "(" and self._tokens[self._at].kind == "mark":
            return Call(token.text.lower(), self._arguments())
        if token.text.upper() in _WORDS:
            raise EvalError(f"an operand is missing at character {token.position}")
        return FieldName(token.text)

    def _arguments(self) -> tuple[Node, ...]:
        self.expect("mark", "(")
        found: list[Node] = []
        if self._tokens[self._at].text == ")" and self._tokens[self._at].kind == "mark":
            self._at += 1
            return ()
        while True:
            found.append(self.expression(0))
            if self._tokens[self._at].text != "," or self._tokens[self._at].kind != "mark":
                break
            self._at += 1
        self.expect("mark", ")")
        return tuple(found)
