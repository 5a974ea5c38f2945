"""Columns that the log itself describes: W3C and Zeek in comments, CSV in its first line.

Columns are read at search time (transforms.conf.spec, DELIMS and FIELDS) and not when they are indexed: so the add-on
works wherever the file is read, and for a piece of the file that has lost its description.
"""

import re
from collections import Counter
from collections.abc import Sequence

from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extraction, Transform, distinct_names, literal
from app.addons.generator.shapes.names import field_name

MIN_SHARE = 0.8
MIN_ROWS = 3
MIN_NAMES = 3
_W3C = re.compile(r"#Fields:\s*(.+)")
_ZEEK = re.compile(r"#fields(\s+)(.+)")
_SEPARATOR = re.compile(r"#separator \\x([0-9a-fA-F]{2})")
COMMENTS = Transform("comments", {"REGEX": "^#", "DEST_KEY": "queue", "FORMAT": "nullQueue"})


def described_bodies(texts: Texts, comments: Sequence[str]) -> Extraction | None:
    """Events whose columns comments name."""
    if not comments or texts.source is not None:
        return None
    headers = list(dict.fromkeys(line for line in comments if _W3C.match(line) or _ZEEK.match(line)))
    if not headers:
        return None
    found = [_columns(header, comments) for header in headers]
    claims: set[int] = set()
    reports = []
    for number, (delimiter, names) in enumerate(found, start=1):
        mine = {index for index, body in texts.filled if len(body.split(delimiter)) == len(names)}
        claims |= mine
        label = "columns" if len(found) == 1 else f"columns_{number}"
        shown = ", ".join(f'"{name}"' for name in names)
        if len(found) == 1:
            settings = {"DELIMS": f'"{_escaped(delimiter)}"', "FIELDS": shown}
        else:
            settings = _by_count(delimiter, names)
        reports.append(Transform(label, settings))
    if len(claims) < MIN_SHARE * len(texts.filled):
        return None
    notes = (
        ()
        if len(found) == 1
        else ("The columns change within the sample: each order is recognised by how many columns there are.",)
    )
    return Extraction(
        "described", frozenset(claims), {"KV_MODE": "none"}, reports=tuple(reports), drops=(COMMENTS,), notes=notes
    )


def _columns(header: str, comments: Sequence[str]) -> tuple[str, list[str]]:
    w3c = _W3C.match(header)
    if w3c:
        return " ", distinct_names(_w3c_name(name) for name in w3c[1].split())
    zeek = _ZEEK.match(header)
    assert zeek is not None
    named = next((match for line in comments if (match := _SEPARATOR.match(line))), None)
    separator = chr(int(named[1], 16)) if named else zeek[1]
    return separator, distinct_names(field_name(name) for name in zeek[2].split(separator))


def _w3c_name(name: str) -> str:
    """The column's name as Splunk's own W3C reading has it: `cs(User-Agent)` is `cs_User_Agent`."""
    return field_name(re.sub(r"[()]", "_", name))


def _escaped(delimiter: str) -> str:
    return {"\t": "\\t"}.get(delimiter, delimiter)


def _by_count(delimiter: str, names: Sequence[str]) -> dict[str, str]:
    """A pattern of exactly so many columns, where DELIMS would read a line of any length."""
    column = "([^" + {"\t": r"\t", " ": " "}.get(delimiter, "\\" + delimiter) + "\r\n]*)"
    between = {"\t": r"\t", " ": " "}.get(delimiter, "\\" + delimiter)
    return {
        "REGEX": "^" + between.join(column for _ in names) + r"\s*$",
        "FORMAT": " ".join(f"{name}::${number}" for number, name in enumerate(names, start=1)),
    }


DELIMITERS = (",", "\t", ";", "|")


def headed_bodies(texts: Texts) -> Extraction | None:
    """Rows behind a line of names, as CSV files begin."""
    filled = texts.filled
    if len(filled) < MIN_ROWS or texts.source is not None:
        return None
    first, rest = filled[0][1], filled[1:]
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if len(names) < MIN_NAMES or not _are_names(names, rest, delimiter):
            continue
        claims = frozenset(index for index, body in rest if split_count(body, delimiter) == len(names))
        if len(claims) < MIN_SHARE * len(rest):
            continue
        fields = distinct_names(field_name(name) for name in names)
        shown = ", ".join(f'"{name}"' for name in fields)
        columns = Transform("columns", {"DELIMS": f'"{_escaped(delimiter)}"', "FIELDS": shown})
        heading = Transform(
            "heading", {"REGEX": f"^{literal(first.strip())}$", "DEST_KEY": "queue", "FORMAT": "nullQueue"}
        )
        return Extraction("headed", claims | {filled[0][0]}, {"KV_MODE": "none"}, reports=(columns,), drops=(heading,))
    return None


def _are_names(names: Sequence[str], rest: Sequence[tuple[int, str]], delimiter: str) -> bool:
    """Whether the first line names columns: distinct words, none a number, and hardly one that stands in the rows."""
    if (
        any(not re.fullmatch(r"[A-Za-z_@#][\w .:/()%#@-]{0,80}", name) for name in names)
        or max(Counter(names).values()) > 1
    ):
        return False
    rows = [body.split(delimiter) for _, body in rest[:50]]
    same = sum(1 for row in rows for name, value in zip(names, row, strict=False) if name == value.strip().strip('"'))
    return same <= 0.05 * sum(len(row) for row in rows)


def split_count(text: str, delimiter: str) -> int:
    """How many columns the text has, delimiters between double quotes apart."""
    count, quoted = 1, False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif character == delimiter and not quoted:
            count += 1
    return count
