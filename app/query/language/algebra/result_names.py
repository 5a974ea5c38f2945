"""What the columns of a result are called: by what they hold, each name once. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Arithmetic, Bucket, Duration, Expression, Field, Ratio

LONGEST: Final = 60
"""Bytes of a name of a column of the result; PostgreSQL cuts after 63."""


def _cut(name: str, most: int) -> str:
    """The name in so many bytes, without half a letter at its end."""
    return name.encode()[:most].decode(errors="ignore")


class ResultNames:
    """Names of the columns of the result, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, expression: Expression) -> str | None:
        """The name that the expression gets; None when it keeps that of its column."""
        wanted = _name(expression)
        if isinstance(expression, Field) and wanted not in self._taken:
            self._taken.add(wanted)
            return None
        if isinstance(expression, Field):
            wanted = f"{expression.table}_{wanted}"
        name, number = _cut(wanted, LONGEST), 2
        while name in self._taken:
            name, number = f"{_cut(wanted, LONGEST - 4)}_{number}", number + 1
        self._taken.add(name)
        return name


def _name(expression: Expression) -> str:
    if isinstance(expression, Field):
        return expression.column
    if isinstance(expression, Bucket):
        return expression.unit
    if isinstance(expression, Ratio):
        return "percentage" if expression.percent else "ratio"
    if isinstance(expression, Aggregate):
        return (
            f"{expression.function}_{_name(expression.of)}"
            if expression.of is not None
            else f"{expression.table}_count"
        )
    if isinstance(expression, Arithmetic):
        word = "times" if expression.sign == "*" else "minus"
        return f"{expression.left.column}_{word}_{expression.right.column}"
    return f"{expression.unit}s" if isinstance(expression, Duration) else f"{expression.of.column}_place"
