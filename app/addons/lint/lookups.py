"""Lookup files, their definitions in transforms.conf, and the LOOKUP- settings of props.conf."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.addons.lint.documents import LintedPackage, Setting, stanza_location
from app.addons.lint.findings import LintFinding, Location, found
from app.addons.lint.lookup_files import LookupFile, read_lookup
from app.addons.lint.transforms import is_lookup
from app.addons.package.conf import Stanza
from app.addons.replay.settings.values import listed

_PREFIX: Final = re.compile(r"LOOKUP[-_]?", re.IGNORECASE)
_TOKEN: Final = re.compile(r'"([^"]*)"|([^\s,]+)')
_OUTPUTS: Final = ("OUTPUT", "OUTPUTNEW")
_OUTSIDE: Final = ("geo_", "dnslookup")
"""Definitions that Splunk ships."""
FOLDER: Final = "lookups/"


@dataclass(frozen=True)
class LookupUse:
    """One LOOKUP-: the definition's name and the columns of the table that are named."""

    definition: str
    columns: tuple[str, ...]


def lookup_use(value: str) -> LookupUse | None:
    """The value of a LOOKUP- (props.conf.spec); None where the value does not read so."""
    tokens = [match[1] if match[1] is not None else match[2] for match in _TOKEN.finditer(value)]
    if not tokens:
        return None
    columns: list[str] = []
    position, matched, output = 1, 0, False
    while position < len(tokens):
        if tokens[position].upper() in _OUTPUTS:
            if output or not matched:
                return None
            output, position = True, position + 1
            if position == len(tokens):
                return None
            continue
        columns.append(tokens[position])
        matched += 1
        if position + 1 < len(tokens) and tokens[position + 1].upper() == "AS":
            if position + 2 >= len(tokens):
                return None
            position += 2
        position += 1
    return LookupUse(tokens[0], tuple(columns)) if matched else None


def lookup_settings(linted: LintedPackage) -> Iterator[Setting]:
    """Every LOOKUP- setting; the prefix has any case and `-`, `_` or nothing behind it (props.conf.spec)."""
    return (each for each in linted.settings("props") if _PREFIX.match(each.key) and each.value)


def _file_of(stanza: Stanza) -> str:
    return FOLDER + re.split(r"[/\\]", stanza.settings["filename"])[-1]


def definitions(linted: LintedPackage) -> Iterator[LintFinding]:
    """Definitions of lookups: their file, their collection, programs."""
    collections = linted.merged("collections")
    for document, stanza in linted.stanzas("transforms"):
        settings = stanza.settings
        if settings.get("filename"):
            place = Setting(document, stanza, "filename", "").location
            if _file_of(stanza) not in linted.package.files:
                message = f"The package has no {_file_of(stanza)[:120]}."
                yield found("lookup-file-missing", place, message)
            if re.search(r"[/\\]", settings["filename"]):
                yield found("lookup-path", place, f"{settings['filename'][:80]} is a path.")
        elif settings.get("external_type", "").casefold() == "kvstore":
            name = settings.get("collection") or stanza.name
            if name not in collections:
                message = f"collections.conf has no stanza [{name[:80]}]."
                yield found("collection-missing", stanza_location(document, stanza), message)
        elif settings.get("external_cmd"):
            place = Setting(document, stanza, "external_cmd", "").location
            yield found("external-lookup", place, f"The lookup runs {settings['external_cmd'][:80]}.")


def malformed_uses(linted: LintedPackage) -> Iterator[LintFinding]:
    """LOOKUP- settings that do not read as one, or name a definition that is missing."""
    defined = linted.merged("transforms")
    for setting in lookup_settings(linted):
        use = lookup_use(setting.value)
        if use is None:
            message = f"{setting.value[:80]} is no `definition field OUTPUT field`."
            yield found("lookup-malformed", setting.location, message)
        elif use.definition not in defined and not use.definition.startswith(_OUTSIDE):
            message = f"transforms.conf has no stanza [{use.definition[:80]}]."
            yield found("transform-missing", setting.location, message)


def missing_columns(linted: LintedPackage) -> Iterator[LintFinding]:
    """LOOKUP- settings that name columns which their table does not have."""
    defined = linted.merged("transforms")
    read: dict[str, LookupFile] = {}
    for setting in lookup_settings(linted):
        use = lookup_use(setting.value)
        definition = defined.get(use.definition) if use else None
        if use is None or definition is None:
            continue
        columns = _columns(linted, definition, read)
        for column in use.columns:
            if columns is not None and column not in columns:
                message = f"{use.definition[:80]} has no column {column[:80]}; it has {', '.join(columns)[:200]}."
                yield found("lookup-column-missing", setting.location, message)


def _columns(linted: LintedPackage, definition: Stanza, read: dict[str, LookupFile]) -> tuple[str, ...] | None:
    """The columns of the definition's table; None where they are not known."""
    if definition.settings.get("filename"):
        path = _file_of(definition)
        if path not in linted.package.files or not path.casefold().endswith(".csv"):
            return None
        if path not in read:
            read[path] = read_lookup(linted.package.files[path])
        return read[path].header or None
    return listed(definition.settings.get("fields_list", "")) or None


def unused_lookups(linted: LintedPackage) -> Iterator[LintFinding]:
    """Definitions that no LOOKUP- names, and files that no definition names."""
    used = {use.definition for use in (lookup_use(each.value) for each in lookup_settings(linted)) if use}
    files = set()
    for document, stanza in linted.stanzas("transforms"):
        if stanza.settings.get("filename"):
            files.add(_file_of(stanza))
        if is_lookup(stanza.settings) and stanza.name not in used:
            message = f"No LOOKUP- names [{stanza.name[:80]}]."
            yield found("lookup-unused", stanza_location(document, stanza), message)
    for path in sorted(linted.package.files):
        if path.startswith(FOLDER) and path.casefold().endswith(".csv") and path not in files:
            yield found("lookup-file-unused", Location(path), "No definition of transforms.conf has the file's name.")


def lookup_contents(linted: LintedPackage) -> Iterator[LintFinding]:
    """Headers and rows of lookup files."""
    for path, content in sorted(linted.package.files.items()):
        if path.startswith(FOLDER) and path.casefold().endswith(".csv"):
            yield from _content_faults(path, read_lookup(content))


def _content_faults(path: str, lookup: LookupFile) -> Iterator[LintFinding]:
    if lookup.header_fault is not None:
        yield found("lookup-without-header", Location(path, 1), lookup.header_fault)
        return
    for name in lookup.duplicates:
        yield found("lookup-duplicate-column", Location(path, 1), f"The header has the column {name[:80]} twice.")
    for line, message in lookup.faults:
        yield found("lookup-ragged", Location(path, line), message)
    if not lookup.rows and not lookup.faults:
        yield found("lookup-empty", Location(path, 1), "The file has a header and no rows.")
