#!/usr/bin/env python3
"""Makes docs/authorization.md from tests/authorization/matrix.txt, and sets that file's columns in line.

usage: authorization_docs.py [--check]      --check: exit 1 when one of the two is not as it would be written
"""

import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.authorization.matrix import COLUMNS, DENIALS, LISTED, PATH, Row, read  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "authorization.md"

WIDTHS = (64, 40, 11, *(max(len(column), 6) for column in COLUMNS))
"""Least widths of the matrix's columns, so wide that a new line hardly ever moves the others."""

HEAD = """\
# Who may do what

Made from [tests/authorization/matrix.txt](../tests/authorization/matrix.txt) by `scripts/authorization_docs.py`: change
that file, not this page. The file says what should be and takes nothing from the code; the suite asks every operation
of the OpenAPI document as every identity on a thing in every state named here, compares the answer, and looks whether
a refused request has changed anything. An operation without a line fails the suite.

**✓** allowed, with the status · **✓ shown**, **✓ hidden** allowed, and a thing in this state is, or is not, in the
answer · **409** allowed, but the state of the thing stands against it · **401** no valid credential · **403** the
permission is missing · **404** for this caller there is no such thing, and no more is told.

"Closed in" names the maintenance modes in which everybody is answered 503: `both` are `read_only` and `maintenance`.

| who | is answered as |
|---|---|
| a person by token or session, a service by key or token | the role that it holds; with several roles, the union |
| a disabled user or client, an ended session, a revoked, expired or altered token or key | anonymous |
| a token or key narrowed to some scopes | a role with those permissions alone |
| whoever sends `X-User-Role`, `Remote-User` or another header of the kind | the same caller without it |
"""


def page(rows: list[Row]) -> str:
    """The page."""
    parts = [HEAD]
    for section, members in itertools.groupby(rows, key=lambda row: row.section):
        title, _, more = section.partition(". ")
        parts.append(f"\n## {title.removesuffix('.')}\n" + (f"\n{more}\n" if more else ""))
        parts.append(f"\n| operation | state | closed in | {' | '.join(COLUMNS)} |\n|{'---|' * (3 + len(COLUMNS))}\n")
        previous = ""
        for row in members:
            parts.append(_line(row, named=row.operation != previous))
            previous = row.operation
    return "".join(parts)


def _line(row: Row, *, named: bool) -> str:
    closed = {0: "", 1: "maintenance", 2: "both"}[len(row.closed_in)] if named else ""
    states = "" if row.states == ("-",) else ", ".join(row.states)
    answers = " | ".join(_answer(row.answers[column]) for column in COLUMNS)
    return f"| {f'`{row.operation}`' if named else ''} | {states} | {closed} | {answers} |\n"


def _answer(text: str) -> str:
    if text in LISTED:
        return f"✓ {text}"
    return text if text in DENIALS or text == "409" else f"✓ {text}"


def aligned(text: str) -> str:
    """The matrix with its columns in line."""
    lines = text.splitlines()
    cells = {
        n: [cell.strip() for cell in line.split("|")] for n, line in enumerate(lines) if "|" in line and line[0] != "#"
    }
    widths = [
        max(least, *map(len, column)) for least, column in zip(WIDTHS, zip(*cells.values(), strict=True), strict=True)
    ]
    for number, row in cells.items():
        lines[number] = " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write both files, or say which one is not as it would be written."""
    wanted = {PATH: aligned(PATH.read_text(encoding="utf-8")), PAGE: page(read())}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted[path], encoding="utf-8")
        print(path.relative_to(ROOT))
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
