"""Files with a header or of JSON: INDEXED_EXTRACTIONS and its settings (props.conf.spec, "Structured Data").

Names of a header have other than letters, digits and spaces as `_`, but the characters that
HEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS allows. The names of spaces stay. Values that are empty are not indexed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.addons.replay.formats.json_fields import json_fields
from app.addons.replay.indexing.breaking import Line
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import delimiter, number, quoted_list, switch

KINDS = ("CSV", "TSV", "PSV", "W3C", "JSON")
"""What INDEXED_EXTRACTIONS may be; HEC is not replayed."""
_DELIMITERS = {"CSV": ",", "TSV": "\t", "PSV": "|", "W3C": " "}
_BY_HEADER_SETTINGS = ("FIELD_DELIMITER", "FIELD_NAMES", "HEADER_FIELD_LINE_NUMBER", "FIELD_HEADER_REGEX")
"""Settings that turn the reading of headers on where INDEXED_EXTRACTIONS is missing."""
MAX_COLUMNS = 2_000
MAX_RECORD_LINES = 500
"""Lines of one record whose quote stays open: behind them the quote is read as text."""
_WORDS = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Record:
    """An event with the fields that are read from the header's columns or from JSON."""

    line: Line
    fields: dict[str, tuple[str, ...]]


class StructuredFile:
    """Reads the records of a file; `kind` is one of KINDS, or empty where the delimiter alone is given."""

    def __init__(self, settings: Settings, findings: Findings) -> None:
        values = settings.values
        self._findings = findings
        self.kind = values.get("INDEXED_EXTRACTIONS", "").strip().upper()
        if self.kind in {"", "NONE"}:
            self.kind = ""
        elif self.kind not in KINDS:
            findings.add(f"{settings.named('INDEXED_EXTRACTIONS')}: {self.kind[:80]} is not replayed")
            self.kind = ""
        self.reads_header = self.kind not in {"", "JSON"} or any(values.get(key) for key in _BY_HEADER_SETTINGS)
        self._delimiter = delimiter(values, "FIELD_DELIMITER", _DELIMITERS.get(self.kind, ","))
        self._header_delimiter = delimiter(values, "HEADER_FIELD_DELIMITER", self._delimiter)
        self._quote = delimiter(values, "FIELD_QUOTE", '"')
        self._header_quote = delimiter(values, "HEADER_FIELD_QUOTE", self._quote)
        self._allowed = values.get("HEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS", "")
        self._header_line = number(values, "HEADER_FIELD_LINE_NUMBER", 0)
        self._names = quoted_list(values.get("FIELD_NAMES", "").strip("[]"))
        self._trimmed = switch(values, "JSON_TRIM_BRACES_IN_ARRAY_NAMES", default=False)
        default_header, default_preamble = (r"^#Fields:\s*", "^#") if self.kind == "W3C" else ("", "")
        self._header = self._pattern(settings, "FIELD_HEADER_REGEX", default_header)
        self._preamble = self._pattern(settings, "PREAMBLE_REGEX", default_preamble)
        self._missing = self._pattern(settings, "MISSING_VALUE_REGEX", "")

    @property
    def is_structured(self) -> bool:
        """Whether the settings ask for fields at index time."""
        return self.kind == "JSON" or self.reads_header

    def _pattern(self, settings: Settings, key: str, default: str) -> SettingPattern | None:
        expression = settings.values.get(key, default)
        return self._findings.compile(settings.named(key), expression) if expression else None

    def records(self, lines: Iterable[Line]) -> Iterator[Record]:
        """The events with their fields; lines of headers and preambles are no events."""
        if not self.reads_header:
            for line in lines:
                yield Record(line, self._of_json(line.text))
            return
        names = self._names
        for line in self._whole_records(lines):
            header = self._header_of(line, has_names=bool(names))
            if header is not None:
                names = self._header_names(header) or names
            elif self._preamble is None or self._findings.search(self._preamble, line.text) is None:
                yield Record(line, self._of_columns(names, line.text))

    def _header_of(self, line: Line, *, has_names: bool) -> str | None:
        """The text of the header, where the line is one."""
        if self._header is not None:
            match = self._findings.search(self._header, line.text)
            if match is None:
                return None
            return match.groups[1] if len(match.groups) > 1 and match.groups[1] else line.text[match.end :]
        if self._header_line:
            return line.text if line.number == self._header_line else None
        if has_names or (self._preamble is not None and self._findings.search(self._preamble, line.text)):
            return None
        return line.text

    def _header_names(self, header: str) -> tuple[str, ...]:
        columns = split_record(header.strip(" \r\n"), self._header_delimiter, self._header_quote)
        return tuple(self._header_name(name) for name in columns[:MAX_COLUMNS])

    def _header_name(self, name: str) -> str:
        return "".join(
            character if character.isalnum() or character == " " or character in self._allowed else "_"
            for character in name.strip()
        )

    def _of_columns(self, names: tuple[str, ...], text: str) -> dict[str, tuple[str, ...]]:
        fields: dict[str, tuple[str, ...]] = {}
        columns = split_record(text.rstrip("\r\n"), self._delimiter, self._quote)
        for name, value in zip(names, columns, strict=False):
            if not name or not value:
                continue
            if self._missing is not None and self._findings.search(self._missing, value) is not None:
                continue
            fields.setdefault(name, (value,))
        return fields

    def _of_json(self, text: str) -> dict[str, tuple[str, ...]]:
        found = json_fields(text, 0)
        if self._trimmed:
            found = {name.replace("{}", ""): values for name, values in found.items()}
        return {name: tuple(values) for name, values in found.items()}

    def _whole_records(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines, those joined whose quote stays open: a quoted value may hold line feeds."""
        held: list[Line] = []
        is_open = False
        for line in lines:
            if not self._quote:
                yield line
                continue
            is_open ^= line.text.count(self._quote) % 2 == 1
            if not is_open or len(held) >= MAX_RECORD_LINES:
                yield Line("\n".join(each.text for each in (*held, line)), (held or [line])[0].number)
                held, is_open = [], False
                continue
            held.append(line)
        yield from held


def split_record(text: str, separator: str, quote: str) -> list[str]:
    """The columns of a record; a quoted column may hold the separator, a doubled quote in it is a quote."""
    if separator == "whitespace":
        return [part.strip(quote) if quote else part for part in _WORDS.split(text.strip())]
    if not quote or quote not in text:
        return text.split(separator) if separator else [text]
    columns: list[str] = []
    held: list[str] = []
    position, quoted, begun = 0, False, False
    while position < len(text):
        character = text[position]
        if quoted and character == quote:
            if text[position + 1 : position + 2] == quote:
                held.append(quote)
                position += 1
            else:
                quoted = False
        elif not quoted and character == quote and not begun:
            quoted, begun, held = True, True, []
        elif not quoted and character == separator:
            columns.append("".join(held))
            held, begun = [], False
        else:
            held.append(character)
            begun = begun or not character.isspace()
        position += 1
    columns.append("".join(held))
    return columns
