"""Columns between commas, tabs, semicolons or bars, without names in the sample."""

import csv
import re
from collections import Counter
from collections.abc import Sequence

from app.addons.generator.bodies.described import DELIMITERS, split_count
from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extraction, Transform
from app.addons.generator.shapes.names import field_name, name_for
from app.addons.generator.shapes.profiles import profile

MIN_COLUMNS = {",": 4, ";": 4, "\t": 3, "|": 3}
"""Commas and semicolons stand in sentences, tabs and bars hardly."""
MAX_COLUMNS = 500
"""Rows of more columns are data and no records."""
MIN_SHARE = 0.8
MIN_SHARE_OF_SHAPE = 0.95
MIN_SAME_COUNT = 0.3
"""Of the texts, so many have the most frequent number of columns: prose has commas too, never as many in each line."""
MAX_SHARE_OF_PAIRS = 0.5
_PAIR = re.compile(r"\s*[A-Za-z_][\w.@-]{0,80}\s*[=:]")
_ESCAPED = {"\t": "\\t"}


def delimited_bodies(texts: Texts) -> Extraction | None:
    """Texts that are rows; the columns are named by what stands in them."""
    filled = texts.filled
    for delimiter in DELIMITERS:
        counts = {index: split_count(body, delimiter) for index, body in filled}
        claims = frozenset(index for index, count in counts.items() if MIN_COLUMNS[delimiter] <= count <= MAX_COLUMNS)
        frequent = Counter(counts[index] for index in claims).most_common(3)
        if not claims or len(claims) < MIN_SHARE * len(filled):
            continue
        if sum(count for _, count in frequent) < MIN_SHARE * len(claims) or frequent[0][1] < MIN_SAME_COUNT * len(
            claims
        ):
            continue
        if delimiter in ",;" and _is_prose([texts.bodies[index] or "" for index in claims], delimiter):
            continue
        if _are_pairs([texts.bodies[index] or "" for index in claims], delimiter):
            continue
        rows = [
            next(csv.reader([_one_line(texts.bodies[index] or "")], delimiter=delimiter), [])
            for index in sorted(claims)
        ]
        names = _names(rows)
        shown = ", ".join(f'"{name}"' for name in names)
        settings = texts.source_key | {"DELIMS": f'"{_ESCAPED.get(delimiter, delimiter)}"', "FIELDS": shown}
        numbered = sum(name.startswith("field_") for name in names)
        notes = [f"The sample names no columns: {numbered} of {len(names)} are numbered."]
        if len(frequent) > 1:
            notes.append("Rows have different numbers of columns: several kinds of records share the names.")
        return Extraction(
            "delimited", claims, {"KV_MODE": "none"}, reports=(Transform("columns", settings),), notes=tuple(notes)
        )
    return None


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ").replace("\0", " ")


def _is_prose(bodies: Sequence[str], delimiter: str) -> bool:
    """Whether commas stand as in sentences: a blank behind nearly each."""
    marks = sum(body.count(delimiter) for body in bodies)
    return sum(body.count(delimiter + " ") for body in bodies) > 0.8 * marks


def _are_pairs(bodies: Sequence[str], delimiter: str) -> bool:
    """Whether most columns are a key with its value: then the keys name the fields, wherever they stand."""
    cells = [cell for body in bodies for cell in body.split(delimiter) if cell.strip()]
    return sum(1 for cell in cells if _PAIR.match(cell)) > MAX_SHARE_OF_PAIRS * len(cells)


def _names(rows: Sequence[Sequence[str]]) -> list[str]:
    names: list[str] = []
    for position in range(max(len(row) for row in rows)):
        values = [row[position] for row in rows if position < len(row)]
        found = profile(values)
        numbered = f"field_{position + 1}"
        # Where kinds of records share a column, what most of them hold there says nothing of the others.
        alike = found.share >= MIN_SHARE_OF_SHAPE
        shown = (
            name_for(found, key=None, before="", after="", position=position + 1, taken=names) if alike else numbered
        )
        name = field_name(shown)
        names.append(name if name not in names else numbered)
    return names
