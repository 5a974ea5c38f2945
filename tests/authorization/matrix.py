"""Reads the authorisation matrix (matrix.txt): data alone, which knows nothing of the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).with_name("matrix.txt")

ANONYMOUS: Final = "anonymous"
ROLES: Final = ("VIEWER", "ANALYST", "ENGINEER", "ADMIN", "REQUESTOR", "APPROVER", "KNOWLEDGE_MANAGER")
COLUMNS: Final = (ANONYMOUS, *ROLES)
NO_TOKEN: Final = "without CSRF"
ONE_TIME: Final = "one-time"
"""Identities whose answers follow from the others by a rule, which stands in the head of the matrix."""
_HEAD: Final = ("operation", "state", "closed in", *COLUMNS)

LISTED: Final = {"shown": True, "hidden": False}
DENIALS: Final = frozenset({"401", "403", "404"})
_ANSWERS: Final = DENIALS | LISTED.keys() | {"200", "201", "202", "204", "303", "307", "400", "409", "410"}
CLOSED: Final = {"-": frozenset[str](), "maintenance": frozenset({"maintenance"})} | {
    "both": frozenset({"read_only", "maintenance"})
}


class FaultyMatrixError(ValueError):
    """A line that says nothing, or says it twice."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an operation answers on things in some states."""

    operation: str
    """Method and path."""
    states: tuple[str, ...]
    """`("-",)` where the state does not matter."""
    closed_in: frozenset[str]
    """Maintenance modes in which everybody is answered 503."""
    answers: Mapping[str, str]
    """By column: a status, or `shown` or `hidden`."""
    section: str
    """The comment above."""
    line: int
    one_time: bool = False
    """Whether it is open to who must change a one-time password."""

    def takes(self, column: str) -> bool:
        """Whether a sound request of whoever stands in this column is taken, and its thing is in the answer."""
        return self.answers[column].startswith("2") or self.answers[column] == "shown"

    def answer_to(self, column: str) -> str:
        """What whoever stands in this column is answered: one of `COLUMNS`, `NO_TOKEN` or `ONE_TIME`."""
        if column not in {NO_TOKEN, ONE_TIME}:
            return self.answers[column]
        if self.answers[ANONYMOUS] != "401":
            return self.answers[ANONYMOUS]
        allowed = self.operation.startswith("GET ") if column == NO_TOKEN else self.one_time
        return self.answers["ADMIN"] if allowed else "403"


def read(path: Path = PATH) -> list[Row]:
    """The lines, in their order. Raises `FaultyMatrixError`."""
    rows: list[Row] = []
    head: tuple[str, ...] | None = None
    section = previous = ""
    one_time: set[str] = set()
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.startswith("#"):
            section = " ".join([section, text[1:].strip()] if previous.startswith("#") else [text[1:].strip()])
        elif text.startswith(f"{ONE_TIME}:"):
            one_time = {name.strip() for name in text.partition(":")[2].split(",")}
        elif text.strip():
            cells = tuple(cell.strip() for cell in text.split("|"))
            if head is None:
                head = _head(cells)
            else:
                rows.append(_row(cells, section, number, one_time))
        previous = text
    _check_unique(rows)
    return rows


def _head(cells: tuple[str, ...]) -> tuple[str, ...]:
    if cells != _HEAD:
        raise FaultyMatrixError(f"The columns are {' | '.join(_HEAD)}.")
    return cells


def _row(cells: tuple[str, ...], section: str, line: int, one_time: set[str]) -> Row:
    if len(cells) != len(_HEAD):
        raise FaultyMatrixError(f"line {line}: {len(cells)} cells instead of {len(_HEAD)}")
    operation, states, closed, *answers = cells
    if closed not in CLOSED or not set(answers) <= _ANSWERS or " /" not in operation:
        raise FaultyMatrixError(f"line {line}: {operation}, {closed}, {sorted(set(answers) - _ANSWERS)}")
    named = tuple(state.strip() for state in states.split(","))
    by_column = dict(zip(COLUMNS, answers, strict=True))
    return Row(operation, named, CLOSED[closed], by_column, section, line, operation in one_time)


def _check_unique(rows: list[Row]) -> None:
    seen: dict[tuple[str, str], int] = {}
    closed: dict[str, frozenset[str]] = {}
    for row in rows:
        for state in row.states:
            if (first := seen.setdefault((row.operation, state), row.line)) != row.line:
                raise FaultyMatrixError(f"lines {first} and {row.line} say the same")
        if closed.setdefault(row.operation, row.closed_in) != row.closed_in:
            raise FaultyMatrixError(f"line {row.line}: closed in other modes than above")
