"""What differs between two packages: a unified diff per file. Pure; the work is bounded."""

import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.addons.package.files import Package

MAX_FILE_BYTES: Final = 256 * 1024
"""Larger files are said to differ, and not compared by lines."""

MAX_FILE_LINES: Final = 1_000
"""Lines of one side. With lines that repeat, difflib takes up to the cube of them in steps: measured, half a second for
1,000 lines and 15 seconds for 4,000."""

MAX_ALL_LINES: Final = 10_000
"""Lines of all files that are compared; further files are said to differ."""


class FileChange(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file that differs."""

    path: str
    change: FileChange
    diff: str | None
    """The unified diff; None of binary files and of files beyond the bounds."""
    note: str | None = None
    """Why there is no diff."""


def package_diff(before: Package, after: Package, names: tuple[str, str]) -> list[FileDiff]:
    """The files that differ, by path; `names` are what the two sides are called in the heads of the diffs."""
    found, budget = [], MAX_ALL_LINES
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old == new:
            continue
        change = FileChange.ADDED if old is None else FileChange.REMOVED if new is None else FileChange.MODIFIED
        sides = [_lines(old or b""), _lines(new or b"")]
        note = _hindrance(old or b"", new or b"", sides, budget)
        if note is not None:
            found.append(FileDiff(path, change, None, note))
            continue
        budget -= sum(len(side or ()) for side in sides)
        found.append(FileDiff(path, change, _unified(sides[0] or [], sides[1] or [], path, names)))
    return found


def _lines(content: bytes) -> list[str] | None:
    """The lines of a text, with the line feeds that end them as in any diff; None of what is no UTF-8."""
    try:
        return list(io.StringIO(content.decode("utf-8"), newline="\n"))
    except UnicodeDecodeError:
        return None


def _hindrance(old: bytes, new: bytes, sides: Sequence[list[str] | None], budget: int) -> str | None:
    if any(side is None or b"\x00" in content for side, content in zip(sides, (old, new), strict=True)):
        return "binary"
    counts = [len(side or ()) for side in sides]
    if max(len(old), len(new)) > MAX_FILE_BYTES or max(counts) > MAX_FILE_LINES or sum(counts) > budget:
        return "too large to compare by lines"
    return None


def _unified(old: list[str], new: list[str], path: str, names: tuple[str, str]) -> str:
    before, after = (f"{name}/{path}" for name in names)
    lines = difflib.unified_diff(old, new, before, after)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The paths added, removed and modified between two lists of files with their `path` and `sha256`."""
    old = {str(each["path"]): each["sha256"] for each in before}
    new = {str(each["path"]): each["sha256"] for each in after}
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "modified": sorted(path for path in old.keys() & new.keys() if old[path] != new[path]),
    }
