"""LOOKUP: fields from the package's CSV files (props.conf.spec LOOKUP-<class>, transforms.conf.spec "Lookup tables").

OUTPUT overwrites, and clears its fields where the event has all match fields and no row fits; OUTPUTNEW sets fields
that the event does not have. Scripts, collections and lookups by time are not emulated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.addons.package.conf import ConfFile
from app.addons.package.files import Package
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.searching.lookup_tables import TableSearch, read_table
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import number, switch

DEFAULT_MAX_MATCHES = 100
"""transforms.conf.spec, max_matches of lookups that are not by time."""
_GREATEST_MAX_MATCHES = 1_000
_WORD = re.compile(r'"([^"]+)"|([^\s,"]+)')
_MATCH_TYPE = re.compile(r"(WILDCARD|CIDR|EXACT)\s*\(\s*([^)\s]+)\s*\)", re.IGNORECASE)
_NOT_EMULATED = ("external_cmd", "collection", "time_field")


@dataclass(frozen=True)
class LookupFields:
    """What a LOOKUP says: match and output fields as column and field of the event; `keeps` with OUTPUTNEW."""

    table: str
    matched: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    keeps: bool


@dataclass(frozen=True)
class Lookup:
    """A LOOKUP with its table."""

    fields: LookupFields
    search: TableSearch
    least: int
    default: str


def parse_lookup(value: str) -> LookupFields | None:
    """The parts of `table column AS field OUTPUT column AS field`; None where there is no match field."""
    words = [quoted or plain for quoted, plain in _WORD.findall(value)]
    upper = [word.upper() for word in words]
    keyword = next((word for word in ("OUTPUTNEW", "OUTPUT") if word in upper), "")
    at = upper.index(keyword) if keyword else len(words)
    matched = _pairs(words[1:at])
    return LookupFields(words[0], matched, _pairs(words[at + 1 :]), keyword == "OUTPUTNEW") if matched else None


def _pairs(words: list[str]) -> tuple[tuple[str, str], ...]:
    """Column and field of each `column AS field` or `column`."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(words):
        if at + 2 < len(words) and words[at + 1].upper() == "AS":
            found.append((words[at], words[at + 2]))
            at += 3
        else:
            found.append((words[at], words[at]))
            at += 1
    return tuple(found)


def lookups(settings: Settings, transforms: ConfFile, package: Package, findings: Findings) -> list[Lookup]:
    """The LOOKUPs in ASCII order of their keys; those that cannot be emulated are problems and left out."""
    found = []
    for key in sorted(key for key in settings.values if key.upper().startswith("LOOKUP")):
        parsed = parse_lookup(settings.values[key])
        if parsed is None:
            findings.add(f"{settings.named(key)}: no match field: {settings.values[key][:80]}")
            continue
        lookup = _lookup(settings.named(key), parsed, transforms.stanza(parsed.table), package, findings)
        found += [lookup] if lookup else []
    return found


def _lookup(
    setting: str, parsed: LookupFields, stanza: Mapping[str, str], package: Package, findings: Findings
) -> Lookup | None:
    if any(stanza.get(key) for key in _NOT_EMULATED):
        findings.add(f"{setting}: the lookup {parsed.table[:80]} is no plain CSV file and is not emulated")
        return None
    name = stanza.get("filename", "").replace("\\", "/").rpartition("/")[2]
    text = package.text(f"lookups/{name}") if name else None
    table = read_table(text) if text is not None else None
    if table is None:
        findings.add(f"{setting}: the table {parsed.table[:80]} has no file with a header in lookups/")
        return None
    missing = [column for column, _ in (*parsed.matched, *parsed.outputs) if column not in table.columns]
    if missing:
        findings.add(f"{setting}: the file {name[:80]} has no column {', '.join(missing)[:120]}")
        return None
    if table.ragged:
        findings.add(f"{setting}: {table.ragged} rows of {name[:80]} have more or fewer cells than the header")
    columns = [column for column, _ in parsed.matched]
    kinds = {column: kind.upper() for kind, column in _MATCH_TYPE.findall(stanza.get("match_type", ""))}
    most = min(_GREATEST_MAX_MATCHES, max(1, number(stanza, "max_matches", DEFAULT_MAX_MATCHES)))
    search = TableSearch(
        table,
        columns,
        [kinds.get(column, "EXACT") for column in columns],
        switch(stanza, "case_sensitive_match", default=True),
        most,
    )
    outputs = parsed.outputs or tuple((column, column) for column in table.columns if column not in columns)
    least = min(most, number(stanza, "min_matches", 0))
    return Lookup(
        LookupFields(parsed.table, parsed.matched, outputs, parsed.keeps),
        search,
        least,
        stanza.get("default_match", ""),
    )


def look_up(found: list[Lookup], defaults: Mapping[str, str], fields: EventFields) -> None:
    """Set the output fields of each lookup whose match fields the event has."""
    for lookup in found:
        values = [_first(name, defaults, fields) for _, name in lookup.fields.matched]
        if any(value is None for value in values):
            continue
        rows = lookup.search.rows([value or "" for value in values])
        for column, name in lookup.fields.outputs:
            if lookup.fields.keeps and name in fields.values:
                continue
            texts = [row[column] for row in rows]
            texts += [lookup.default] * (lookup.least - len(texts))
            kept = tuple(text for text in texts if text)
            if kept or not lookup.fields.keeps:
                fields.put(name, kept)


def _first(name: str, defaults: Mapping[str, str], fields: EventFields) -> str | None:
    values = fields.values.get(name)
    return values[0] if values else defaults.get(name) or None
