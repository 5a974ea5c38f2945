"""The parts of a parsed eval expression."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Literal:
    """A number or a string."""

    value: str | float


@dataclass(frozen=True)
class FieldName:
    """A field of the event."""

    name: str


@dataclass(frozen=True)
class Unary:
    """`-` or `NOT` before an operand."""

    operator: str
    operand: "Node"


@dataclass(frozen=True)
class Binary:
    """An operator between two operands."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    """A function with its arguments; `x IN (a, b)` is the function `in`."""

    function: str
    arguments: tuple["Node", ...]


Node = Literal | FieldName | Unary | Binary | Call
