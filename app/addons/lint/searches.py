"""Event types, tags, saved searches and inputs."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from app.addons.lint.documents import LintedPackage, Setting, stanza_location
from app.addons.lint.findings import LintFinding, Location, found
from app.addons.lint.quoting import outside_quotes, unbalanced
from app.addons.replay.settings.stanzas import OTHER_KINDS
from app.addons.replay.settings.values import switch

_SOURCETYPE: Final = re.compile(r'\bsourcetype\s*=\s*(?:"([^"]*)"|([^\s")(\[\]|]+))', re.IGNORECASE)
_EVERYTHING: Final = re.compile(r"\(?\s*(?:(?:index|source|sourcetype|host|_raw)\s*=\s*)?\*\s*\)?")
_ASSIGNED: Final = re.compile(r"sourcetype::(\S+)")


def event_types(linted: LintedPackage) -> Iterator[LintFinding]:
    """Event types whose search Splunk does not take, or that fit nothing or everything."""
    for name, stanza in linted.merged("eventtypes").items():
        if name != "default" and not stanza.settings.get("search", "").strip():
            for document, each in linted.stanzas("eventtypes"):
                if each.name == name:
                    message = f"[{name[:80]}] has no search."
                    yield found("eventtype-without-search", stanza_location(document, each), message)
                    break
    for setting in linted.settings("eventtypes", "search"):
        if setting.key == "search" and setting.value:
            yield from _search_faults(setting)


def _search_faults(setting: Setting) -> Iterator[LintFinding]:
    place, plain = setting.location, outside_quotes(setting.value)
    fault = unbalanced(setting.value)
    if fault is not None:
        yield found("eventtype-unbalanced", place, f"{fault}.")
    if "|" in plain:
        yield found("eventtype-pipe", place, f"A pipe stands at character {plain.index('|') + 1}.")
    if "[" in plain:
        yield found("eventtype-subsearch", place, f"A subsearch begins at character {plain.index('[') + 1}.")
    if "`" in plain:
        yield found("eventtype-macro", place, f"A macro begins at character {plain.index('`') + 1}.")
    if _EVERYTHING.fullmatch(setting.value.strip()):
        yield found("eventtype-too-wide", place, f"{setting.value[:60]} fits every event.")


def sourcetypes_of(linted: LintedPackage) -> frozenset[str]:
    """The source types that the package's files define, assign, rename to or clone to."""
    names = {stanza.name for _, stanza in linted.stanzas("props") if not stanza.name.startswith(OTHER_KINDS)}
    names.update(each.value for each in linted.settings("props") if each.key in ("sourcetype", "rename"))
    names.update(each.value for each in linted.settings("transforms") if each.key == "CLONE_SOURCETYPE")
    for setting in linted.settings("transforms", "FORMAT"):
        names.update(_ASSIGNED.findall(setting.value))
    names.update(each.value for each in linted.settings("inputs") if each.key == "sourcetype")
    return frozenset(names)


def foreign_sourcetypes(linted: LintedPackage) -> Iterator[LintFinding]:
    """Event types for source types that nothing of the package makes."""
    known = sourcetypes_of(linted)
    for setting in linted.settings("eventtypes", "search"):
        for match in _SOURCETYPE.finditer(setting.value) if setting.key == "search" else ():
            name = match[1] if match[1] is not None else match[2]
            if "*" not in name and "$" not in name and name not in known:
                message = f"props.conf has no source type {name[:80]}."
                yield found("eventtype-unknown-sourcetype", setting.location, message)


def tags(linted: LintedPackage) -> Iterator[LintFinding]:
    """Stanzas of tags.conf that hold for nothing, and values that are none."""
    defined = linted.merged("eventtypes")
    for document, stanza in linted.stanzas("tags"):
        if stanza.name == "default":
            continue
        field, equals, value = stanza.name.partition("=")
        place = stanza_location(document, stanza)
        if not equals or not field.strip() or not value.strip():
            if stanza.name.strip():
                yield found("tag-without-field", place, f"[{stanza.name[:80]}] is not [field=value].")
            continue
        if field.strip() == "eventtype" and not {value.strip(), unquote(value.strip())} & defined.keys():
            message = f"eventtypes.conf has no stanza [{value.strip()[:80]}]."
            yield found("tag-eventtype-missing", place, message)
    for setting in linted.settings("tags"):
        if setting.value.casefold() not in ("enabled", "disabled"):
            message = f"{setting.key[:80]} = {setting.value[:40]} is neither enabled nor disabled."
            yield found("tag-value", setting.location, message)


def running_by_itself(linted: LintedPackage) -> Iterator[LintFinding]:
    """Scheduled searches and inputs that are on after the installation."""
    for name, stanza in linted.merged("savedsearches").items():
        scheduled = switch(stanza.settings, "enableSched", default=False)
        if scheduled and not switch(stanza.settings, "disabled", default=False):
            place = _place_of(linted, "savedsearches", name, "enableSched")
            yield found("search-scheduled", place, f"[{name[:80]}] runs by itself.")
    for name, stanza in linted.merged("inputs").items():
        if name != "default" and not switch(stanza.settings, "disabled", default=False):
            place = _place_of(linted, "inputs", name, "disabled")
            yield found("input-enabled", place, f"[{name[:80]}] is not disabled.")


def _place_of(linted: LintedPackage, kind: str, name: str, key: str) -> Location:
    document, stanza = next((d, s) for d, s in linted.stanzas(kind) if s.name == name)
    return Setting(document, stanza, key, "").location if key in stanza.settings else stanza_location(document, stanza)
