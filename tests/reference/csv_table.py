"""CSV in plain Python, one character after another: what `app/ingestion/decoding/csv_records.py` is held to.

Between quotes of a field that begins with one stands text, in which `""` is a quote. Everywhere else a comma ends a
field and LF or CRLF a record; a quote or a carriage return there spoils the record and nothing else. Empty lines are no
records.
"""

from dataclasses import dataclass, field


class OpenQuoteError(ValueError):
    """A quoted field does not end; `args[0]` is the line on which it begins."""


@dataclass
class Record:
    """A record: the line on which it begins, its fields (None without a text), and whether it is spoiled."""

    line: int
    fields: list[str | None] = field(default_factory=list)
    spoiled: bool = False


def records(text: str) -> list[Record]:
    """The records of a text. Raises `OpenQuoteError`."""
    found: list[Record] = []
    place, line = 0, 1
    while place < len(text):
        record, place, lines = _record(text, place, line)
        line += lines
        if record.spoiled or record.fields != [None]:
            found.append(record)
    return found


def _record(text: str, place: int, line: int) -> tuple[Record, int, int]:
    record, lines = Record(line), 0
    while True:
        value: str | None = None
        if text[place : place + 1] == '"':
            opened, value = line + lines, ""
            place += 1
            while text[place : place + 1] != '"' or text[place : place + 2] == '""':
                if place >= len(text):
                    raise OpenQuoteError(opened)
                lines += text[place] == "\n"
                value += text[place]
                place += 2 if text[place : place + 2] == '""' else 1
            place += 1
        rest = ""
        while place < len(text) and text[place] not in ",\n":
            rest += text[place]
            place += 1
        ended = text[place : place + 1] != ","
        if ended and place < len(text):
            rest = rest.removesuffix("\r")
        record.spoiled |= '"' in rest or "\r" in rest or (value is not None and rest != "")
        record.fields.append(rest or None if value is None else value)
        place += 1
        if ended:
            return record, place, lines + 1
