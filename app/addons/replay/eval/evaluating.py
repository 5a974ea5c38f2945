"""The value of an eval expression for one event.

The documented subset: if, case, coalesce, validate, nullif, null, isnull, isnotnull, isnum, isint, isstr, match,
replace, like, in, cidrmatch, text, number and time functions of the modules beside, comparisons, AND OR NOT XOR,
`+ - * / %` and `.`. Null goes through: an operator with null is null, and a condition of null is not true. Division by
zero and operands of the wrong kind give null.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.addons.regexes import RegexMatch
from app.addons.replay.eval.nodes import Binary, Call, FieldName, Literal, Node, Unary
from app.addons.replay.eval.number_functions import (
    extreme,
    of_number,
    power,
    rounded,
    strftime,
    strptime,
    tonumber,
    tostring,
)
from app.addons.replay.eval.text_functions import (
    cidrmatch,
    each_text,
    length,
    like,
    mvappend,
    mvcount,
    mvdedup,
    mvindex,
    mvjoin,
    split,
    stripped,
    substr,
    urldecode,
)
from app.addons.replay.eval.tokens import EvalError
from app.addons.replay.eval.values import MAX_TEXT_CHARACTERS, Value, as_number, as_text, as_texts, from_texts
from app.addons.replay.settings.expansion import expanded, group_text, replaced
from app.addons.replay.settings.findings import Findings

_REFERENCE = re.compile(r"\\(\d)")

FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Value]]] = {
    "lower": (1, 1, each_text(str.lower)),
    "upper": (1, 1, each_text(str.upper)),
    "trim": (1, 2, stripped(str.strip)),
    "ltrim": (1, 2, stripped(str.lstrip)),
    "rtrim": (1, 2, stripped(str.rstrip)),
    "substr": (2, 3, substr),
    "len": (1, 1, length),
    "split": (2, 2, split),
    "mvindex": (2, 3, mvindex),
    "mvcount": (1, 1, mvcount),
    "mvjoin": (2, 2, mvjoin),
    "mvappend": (1, 100, mvappend),
    "mvdedup": (1, 1, mvdedup),
    "like": (2, 2, like),
    "cidrmatch": (2, 2, cidrmatch),
    "urldecode": (1, 1, urldecode),
    "tonumber": (1, 2, tonumber),
    "tostring": (1, 2, tostring),
    "round": (1, 2, rounded),
    "floor": (1, 1, of_number(math.floor)),
    "ceiling": (1, 1, of_number(math.ceil)),
    "ceil": (1, 1, of_number(math.ceil)),
    "abs": (1, 1, of_number(abs)),
    "sqrt": (1, 1, of_number(math.sqrt)),
    "exact": (1, 1, as_number),
    "pow": (2, 2, power),
    "min": (1, 100, extreme(min, min)),
    "max": (1, 100, extreme(max, max)),
    "strptime": (2, 2, strptime),
    "strftime": (2, 2, strftime),
    "null": (0, 0, lambda: None),
    "true": (0, 0, lambda: True),
    "false": (0, 0, lambda: False),
    "isnull": (1, 1, lambda value: value is None),
    "isnotnull": (1, 1, lambda value: value is not None),
    "isnum": (1, 1, lambda value: as_number(value) is not None),
    "isint": (1, 1, lambda value: (as_number(value) or 0.5).is_integer() or as_number(value) == 0),
    "isstr": (1, 1, lambda value: value is not None and as_number(value) is None),
    "nullif": (2, 2, lambda value, other: None if compared("==", value, other) is True else value),
}
"""By name: the least and the greatest number of arguments, and the function of their values."""
_CONDITIONAL = {"if": (3, 3), "case": (2, 200), "validate": (2, 200)}
_LAZY = {**_CONDITIONAL, "coalesce": (1, 100), "in": (2, 1_000)}
_OF_PATTERNS = {"match": (2, 2), "replace": (3, 3)}


def check_functions(node: Node) -> None:
    """Raise EvalError where a function is not emulated or has a wrong number of arguments."""
    match node:
        case Call(function, arguments):
            known = _LAZY.get(function) or _OF_PATTERNS.get(function) or FUNCTIONS.get(function, ())[:2]
            if not known:
                raise EvalError(f"the function {function[:60]} is not emulated")
            if not known[0] <= len(arguments) <= known[1]:
                raise EvalError(f"the function {function} has {len(arguments)} arguments")
            for argument in arguments:
                check_functions(argument)
        case Unary(_, operand):
            check_functions(operand)
        case Binary(_, left, right):
            check_functions(left)
            check_functions(right)
        case _:
            return


@dataclass(frozen=True)
class Scope:
    """What an expression sees: the event's fields; `setting` names the expression in problems."""

    fields: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, str]
    findings: Findings = field(default_factory=Findings)
    setting: str = "eval"

    def field(self, name: str) -> Value:
        """The field's value; null where the event has no such field."""
        if name in self.fields:
            return from_texts(self.fields[name])
        return self.defaults.get(name)


def evaluate(node: Node, scope: Scope) -> Value:
    """The value of the expression; its functions are known (`check_functions`)."""
    match node:
        case Literal(value):
            return value
        case FieldName(name):
            return scope.field(name)
        case Unary("NOT", operand):
            truth = _truth(evaluate(operand, scope))
            return None if truth is None else not truth
        case Unary(_, operand):
            number = as_number(evaluate(operand, scope))
            return None if number is None else -number
        case Binary(operator, left, right):
            return _operated(operator, evaluate(left, scope), evaluate(right, scope))
        case Call(function, arguments):
            return _called(function, arguments, scope)


def _called(function: str, arguments: Sequence[Node], scope: Scope) -> Value:
    if function in _CONDITIONAL:
        return _chosen(function, arguments, scope)
    values = [evaluate(argument, scope) for argument in arguments]
    if function == "coalesce":
        return next((value for value in values if value is not None), None)
    if function == "in":
        return None if values[0] is None else any(compared("==", values[0], other) is True for other in values[1:])
    if function in _OF_PATTERNS:
        return _matches(scope, *values) if function == "match" else _replaced(scope, *values)
    return FUNCTIONS[function][2](*values)


def _chosen(function: str, arguments: Sequence[Node], scope: Scope) -> Value:
    """The value of if, case or validate, whose other arguments are not evaluated."""
    if function == "if":
        return evaluate(arguments[1 if _truth(evaluate(arguments[0], scope)) else 2], scope)
    wanted = function == "case"
    pairs = zip(arguments[0::2], arguments[1::2], strict=False)
    return next((evaluate(b, scope) for a, b in pairs if (_truth(evaluate(a, scope)) is True) == wanted), None)


def _truth(value: Value) -> bool | None:
    """Whether the value is true; null is neither."""
    if value is None or isinstance(value, bool):
        return value
    number = as_number(value)
    return number != 0 if number is not None else None


def _operated(operator: str, left: Value, right: Value) -> Value:
    if operator in {"AND", "OR", "XOR"}:
        return _joined(operator, _truth(left), _truth(right))
    if left is None or right is None:
        return None
    if operator == "LIKE":
        return like(left, right)
    if operator == ".":
        return _text_sum(left, right)
    if operator in {"==", "!=", "<", ">", "<=", ">="}:
        return compared(operator, left, right)
    return _calculated(operator, left, right)


def _joined(operator: str, left: bool | None, right: bool | None) -> bool | None:
    if operator == "XOR":
        return None if left is None or right is None else left != right
    decisive = operator == "OR"
    if left is decisive or right is decisive:
        return decisive
    return None if left is None or right is None else not decisive


def _text_sum(left: Value, right: Value) -> Value:
    first, second = as_text(left), as_text(right)
    return None if first is None or second is None else (first + second)[:MAX_TEXT_CHARACTERS]


def _calculated(operator: str, left: Value, right: Value) -> Value:
    first, second = as_number(left), as_number(right)
    if first is None or second is None:
        both_texts = operator == "+" and first is None and second is None
        return _text_sum(left, right) if both_texts else None
    try:
        result = {
            "+": lambda: first + second,
            "-": lambda: first - second,
            "*": lambda: first * second,
            "/": lambda: first / second,
            "%": lambda: math.fmod(first, second),
        }[operator]()
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return result if math.isfinite(result) else None


def compared(operator: str, left: Value, right: Value) -> bool | None:
    """Whether the comparison holds: of numbers where both are, else of texts; of several values any may."""
    if left is None or right is None:
        return None
    return any(_pair_compared(operator, a, b) for a in _parts(left) for b in _parts(right))


def _parts(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _pair_compared(operator: str, left: Value, right: Value) -> bool:
    first, second = as_number(left), as_number(right)
    a: float | str
    b: float | str
    if first is not None and second is not None:
        order = (first > second) - (first < second)
    else:
        a, b = as_text(left) or "", as_text(right) or ""
        order = (a > b) - (a < b)
    return {"==": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[
        operator
    ]


def _matches(scope: Scope, value: Value, expression: Value) -> Value:
    texts, form = as_texts(value), as_text(expression)
    if not texts or form is None:
        return None
    pattern = scope.findings.compile(scope.setting, form)
    return None if pattern is None else any(scope.findings.search(pattern, text) is not None for text in texts)


def _replaced(scope: Scope, value: Value, expression: Value, replacement: Value) -> Value:
    texts, form, new = as_texts(value), as_text(expression), as_text(replacement)
    pattern = None if form is None else scope.findings.compile(scope.setting, form)
    if not texts or new is None or pattern is None:
        return None
    filled = partial(_filled, new)
    found = (replaced(text, scope.findings.matches(pattern, text), filled, MAX_TEXT_CHARACTERS) for text in texts)
    return from_texts(tuple(found))


def _filled(replacement: str, match: RegexMatch) -> str:
    """The replacement with the groups of the match."""

    def group(reference: re.Match[str]) -> str:
        return group_text(match.groups, int(reference.group(1)))

    return expanded(replacement, _REFERENCE, group, MAX_TEXT_CHARACTERS)
