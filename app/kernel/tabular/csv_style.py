"""What CSV does with texts that a spreadsheet would run as formulas, said once for answers and exports. Pure.

A cell is dangerous when the first character that counts makes a formula of it (OWASP, CSV injection); what
spreadsheets pass over before it does not count. A dangerous text gets an apostrophe in front, which spreadsheets take
for the sign of a text; what would be taken for a guarded text gets one too. So the way back is exact: of a cell that
begins with an apostrophe and would be guarded without it, the apostrophe goes; every other cell is the text
(`tests/reference/csv_formulas.py`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, Field

BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""By which spreadsheets know that a file is UTF-8."""

GUARD: Final = "'"


class CsvFormulas(StrEnum):
    """What becomes of texts that a spreadsheet would run as formulas."""

    GUARD = "guard"
    """They get an apostrophe in front."""
    PLAIN = "plain"
    """They stay as they are: for programs, and for files that are to be ingested as they are."""


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How a CSV is written where its readers differ."""

    formulas: CsvFormulas = CsvFormulas.GUARD
    bom: bool = False
    """Whether the file begins with a byte order mark."""

    @property
    def guards(self) -> bool:
        """Whether formulas are guarded."""
        return self.formulas is CsvFormulas.GUARD


class CsvChoice(BaseModel):
    """The fields of a request that say how CSV is to be written."""

    csv_formulas: CsvFormulas = Field(
        CsvFormulas.GUARD,
        description="In CSV: `guard` puts an apostrophe before what a spreadsheet would run; `plain` changes nothing.",
        examples=["guard"],
    )
    csv_bom: bool = Field(
        default=False, description="In CSV: begin with a byte order mark, by which spreadsheets know UTF-8."
    )

    @property
    def csv_style(self) -> CsvStyle:
        """What the fields say."""
        return CsvStyle(self.csv_formulas, self.csv_bom)


_SKIPPED: Final = (
    (0x01, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x061C, 0x061C), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200F),
    (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
"""Code points that are passed over: controls (tab and line breaks among them), spaces, and what has no width (Unicode
categories Cc, Zs, Zl, Zp, Cf), as some spreadsheet or some step before it takes each of them away."""

_STARTS: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula; the full-width forms do where the language of the spreadsheet is East Asian."""


def _class(members: str) -> str:
    return f"[{members}]"


_SKIP: Final = _class("".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in _SKIPPED)) + "*"
_START: Final = _class("".join(f"\\u{ord(sign):04x}" for sign in _STARTS))
_NUMBER: Final = f"^{GUARD}*{_SKIP}[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
"""A number, which is no formula whatever its sign. `$` is the very end in PostgreSQL; Python's side uses fullmatch."""

_DANGEROUS: Final = f"^{GUARD}*{_SKIP}{_START}"
"""Both dialects, Python's and PostgreSQL's (manual 9.7.3), read these patterns alike."""

_FIRSTS: Final = frozenset(
    {chr(code) for first, last in _SKIPPED for code in range(first, last + 1)} | {*_STARTS, GUARD}
)
"""The characters that a dangerous text can begin with: nearly every text is passed by its first one."""

_is_dangerous: Final = re.compile(_DANGEROUS).match
_is_number: Final = re.compile(_NUMBER).fullmatch


def guarded(text: str) -> str:
    """The text as a cell under `guard`."""
    return GUARD + text if text[:1] in _FIRSTS and _needs_guard(text) else text


def _needs_guard(text: str) -> bool:
    return _is_dangerous(text) is not None and _is_number(text) is None


_CODES: Final = ", ".join(str(ord(sign)) for sign in sorted(_FIRSTS))


def guarded_sql(text: str) -> str:
    """SQL of what `guarded` makes of an SQL expression of the type text.

    Most texts are passed by a comparison of bytes: what begins with a letter, whose code is above those of the signs.
    The collation is said because a column may have one for which PostgreSQL knows neither bytes nor patterns.
    """
    dangerous, number = (pattern.replace("'", "''") for pattern in (_DANGEROUS, _NUMBER))
    plain = f'({text}) COLLATE "C"'
    return (
        f"CASE WHEN {plain} >= 'A' AND {plain} < E'\\x7f' THEN {text} "
        f"WHEN ascii({text}) IN ({_CODES}) AND {plain} ~ '{dangerous}' AND {plain} !~ '{number}' "
        f"THEN '''' || {text} ELSE {text} END"
    )
