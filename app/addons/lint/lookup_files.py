"""A lookup file as Splunk reads it: CSV whose first line names the columns (Knowledge Manager manual, CSV lookups)."""

import csv
import io
import ipaddress
from dataclasses import dataclass

MAX_FAULTS = 20
"""Ragged lines of one file that are listed."""
MAX_COLUMNS = 1_000
MAX_READ_BYTES = 1024 * 1024
"""Of one file, up to the end of its last whole line: the first megabyte says whether rows fit the header."""


@dataclass(frozen=True)
class LookupFile:
    """The header, how many rows follow, and lines (from 1) with another number of values than the header."""

    header: tuple[str, ...] = ()
    rows: int = 0
    header_fault: str | None = None
    duplicates: tuple[str, ...] = ()
    faults: tuple[tuple[int, str], ...] = ()


def read_lookup(content: bytes) -> LookupFile:
    """The lookup of that file's content. Nothing raises: what cannot be read is a fault."""
    if len(content) > MAX_READ_BYTES:
        content = content[: content.rfind(b"\n", 0, MAX_READ_BYTES) + 1] or content[:MAX_READ_BYTES]
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""), strict=True)
    try:
        header = tuple(next(reader, ()))
    except csv.Error as error:
        return LookupFile(header_fault=f"The first line cannot be read: {error}.")
    fault = _header_fault(header)
    if fault is not None:
        return LookupFile(header, header_fault=fault)
    rows = 0
    faults: list[tuple[int, str]] = []
    begin = reader.line_num + 1
    while len(faults) < MAX_FAULTS:
        try:
            row = next(reader, None)
        except csv.Error as error:
            faults.append((begin, f"The line cannot be read: {error}."))
            break
        if row is None:
            break
        if row and len(row) != len(header):
            faults.append((begin, f"{len(row)} value(s), the header has {len(header)}."))
        rows += bool(row)
        begin = reader.line_num + 1
    repeated = tuple(dict.fromkeys(name for name in header if header.count(name) > 1))
    return LookupFile(header, rows, None, repeated, tuple(faults))


def _header_fault(header: tuple[str, ...]) -> str | None:
    if not header:
        return "The file is empty, or the first line is."
    if len(header) > MAX_COLUMNS:
        return f"The first line has {len(header)} columns, more than {MAX_COLUMNS}."
    if any(not name.strip() for name in header):
        return "A column of the first line has no name."
    values = [name for name in header if _is_value(name.strip())]
    return f"{values[0][:60]!r} in the first line is a value and no name." if values else None


def _is_value(text: str) -> bool:
    """Whether no column would be called so: a number or an address."""
    try:
        float(text)
    except ValueError:
        pass
    else:
        return not text.isalpha()
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
