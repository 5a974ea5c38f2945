"""One statement of the corpus and the verdict it must get."""

from dataclasses import dataclass
from typing import Final, Literal

ALLOWED: Final = "allowed"


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` is `allowed`, or the rule of the first finding."""

    name: str
    sql: str
    expected: str

    @property
    def kind(self) -> Literal["good", "attack"]:
        return "good" if self.expected == ALLOWED else "attack"


def cases(expected: str, **statements: str) -> list[Case]:
    """One case per keyword, named `<expected>:<keyword>`."""
    return [Case(f"{expected}:{name.replace('_', '-')}", sql, expected) for name, sql in statements.items()]
