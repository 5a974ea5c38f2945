"""Breaking into events, times, stanzas' names and index-time settings of props.conf."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.addons.lint.documents import Document, LintedPackage, Setting, stanza_location
from app.addons.lint.extractions import compiled
from app.addons.lint.findings import LintFinding, found
from app.addons.lint.keys.props import INDEX_TIME_TRANSFORMS, MERGE_KEYS
from app.addons.lint.patterns import first_group_can_be_empty
from app.addons.package.conf import Stanza
from app.addons.replay.settings.stanzas import OTHER_KINDS, SOURCETYPE_PATTERN
from app.addons.replay.settings.values import number, switch
from app.addons.timestamps.finding import DEFAULT_LOOKAHEAD
from app.addons.timestamps.time_format import TimeFormatError, compile_time_format, format_warnings

_BREAKERS: Final = ("LINE_BREAKER", "EVENT_BREAKER", "LB_CHUNK_BREAKER")
_DIRECTIVE: Final = re.compile(r"%(?:([0-9])?([A-Za-z+%])|:z|Ez)")
_WIDTHS: Final[Mapping[str, int]] = {
    **dict.fromkeys("ymdHMSIelk", 2), **dict.fromkeys("bBhaAj", 3), **dict.fromkeys("pzZ", 1),
    "Y": 4, "s": 10, "T": 8, "D": 8, "F": 10, "R": 5, "c": 20, "n": 1, "t": 1, "%": 1,
}  # fmt: skip
"""Characters that a directive reads at least, numbers with their leading zeros; zones may be `Z`."""
_SUBSECONDS: Final = "NQqf"
_SPECIAL: Final = frozenset("<>?&#[]/")
"""splunk-appinspect, check_props_conf_has_no_prohibited_characters_in_sourcetypes."""
_DOUBLE: Final[Mapping[str, tuple[str, ...]]] = {"json": ("json", "auto", "auto_escaped"), "w3c": ("auto",)}


def breakers_without_group(linted: LintedPackage) -> Iterator[LintFinding]:
    """Breakers whose expression has no capturing group, or one that can match nothing."""
    for setting in linted.settings("props"):
        regex = compiled(setting.value) if setting.key in _BREAKERS and setting.value else None
        if regex is None:
            continue
        if not regex.groups:
            message = f"{setting.key} has no capturing group."
            yield found("line-breaker-without-group", setting.location, message)
        elif first_group_can_be_empty(setting.value):
            message = f"The first group of {setting.key} can match nothing."
            yield found("line-breaker-empty-group", setting.location, message)


def line_merging(linted: LintedPackage) -> Iterator[LintFinding]:
    """LINE_BREAKER under line merging, settings of merging without, EVENT_BREAKER that is off."""
    for document, stanza in linted.stanzas("props"):
        settings = stanza.settings
        merged = switch(settings, "SHOULD_LINEMERGE", default=True)
        if settings.get("LINE_BREAKER") and merged:
            said = "is true" if "SHOULD_LINEMERGE" in settings else "is not set, and true by default"
            key = "SHOULD_LINEMERGE" if "SHOULD_LINEMERGE" in settings else "LINE_BREAKER"
            location = Setting(document, stanza, key, "").location
            yield found("line-merge-on", location, f"SHOULD_LINEMERGE {said}.")
        for key in MERGE_KEYS if not merged else ():
            if settings.get(key):
                location = Setting(document, stanza, key, "").location
                yield found("merge-setting-idle", location, f"{key} does nothing beside SHOULD_LINEMERGE = false.")
        if settings.get("EVENT_BREAKER") and not switch(settings, "EVENT_BREAKER_ENABLE", default=False):
            location = Setting(document, stanza, "EVENT_BREAKER", "").location
            yield found("event-breaker-idle", location, "EVENT_BREAKER_ENABLE is not true.")


def unlimited_lines(linted: LintedPackage) -> Iterator[LintFinding]:
    """TRUNCATE = 0."""
    for setting in linted.settings("props", "TRUNCATE"):
        if setting.key == "TRUNCATE" and number(setting.stanza.settings, "TRUNCATE", 1) == 0:
            yield found("truncate-off", setting.location, "Lines of any length are taken whole.")


def time_formats(linted: LintedPackage) -> Iterator[LintFinding]:
    """Formats that read no time, or hardly the one that was meant."""
    for setting in linted.settings("props", "TIME_FORMAT"):
        if setting.key != "TIME_FORMAT" or not setting.value:
            continue
        try:
            compile_time_format(setting.value)
        except TimeFormatError as error:
            yield found("time-format-invalid", setting.location, f"{setting.value[:80]}: {error}")
            continue
        for warning in format_warnings(setting.value):
            yield found("time-format-doubtful", setting.location, f"{setting.value[:80]}: {warning}")
        least = least_width(setting.value)
        lookahead = number(setting.stanza.settings, "MAX_TIMESTAMP_LOOKAHEAD", DEFAULT_LOOKAHEAD)
        if 0 < lookahead < least:
            key = "MAX_TIMESTAMP_LOOKAHEAD" if "MAX_TIMESTAMP_LOOKAHEAD" in setting.stanza.settings else setting.key
            location = Setting(setting.document, setting.stanza, key, "").location
            message = f"{lookahead} characters are looked at; {setting.value[:80]} reads at least {least}."
            yield found("lookahead-too-short", location, message)


def least_width(time_format: str) -> int:
    """Characters that the format reads at least, numbers with their leading zeros."""
    width = len(_DIRECTIVE.sub("", time_format))
    for directive in _DIRECTIVE.finditer(time_format):
        digits, letter = directive[1], directive[2]
        if letter is not None and letter in _SUBSECONDS:
            width += int(digits or 3)
        else:
            width += _WIDTHS.get(letter, 1) if letter else 1
    return width


def idle_time_settings(linted: LintedPackage) -> Iterator[LintFinding]:
    """Settings of times where DATETIME_CONFIG turns their reading off."""
    for document, stanza in linted.stanzas("props"):
        if stanza.settings.get("DATETIME_CONFIG", "").upper() not in ("CURRENT", "NONE"):
            continue
        for key in ("TIME_FORMAT", "TIME_PREFIX"):
            if stanza.settings.get(key):
                location = Setting(document, stanza, key, "").location
                yield found("time-settings-idle", location, f"DATETIME_CONFIG turns the reading of times off: {key}.")


def doubled_fields(linted: LintedPackage) -> Iterator[LintFinding]:
    """INDEXED_EXTRACTIONS beside a search-time extraction of the same fields."""
    for document, stanza in linted.stanzas("props"):
        indexed = stanza.settings.get("INDEXED_EXTRACTIONS", "").casefold()
        mode = stanza.settings.get("KV_MODE", "auto").casefold() or "auto"
        automatic_json = switch(stanza.settings, "AUTO_KV_JSON", default=True)
        if indexed == "json" and (mode == "json" or (mode in _DOUBLE["json"] and automatic_json)):
            key = "KV_MODE" if "KV_MODE" in stanza.settings else "INDEXED_EXTRACTIONS"
            location = Setting(document, stanza, key, "").location
            message = f"INDEXED_EXTRACTIONS = json and KV_MODE = {mode} extract the same fields."
            yield found("fields-extracted-twice", location, message)


def index_time_settings(linted: LintedPackage) -> Iterator[LintFinding]:
    """Settings that change events while they are indexed; once for each stanza and kind."""
    for document, stanza in linted.stanzas("props"):
        for prefix in (*INDEX_TIME_TRANSFORMS, "INDEXED_EXTRACTIONS"):
            key = next((key for key, value in stanza.settings.items() if key.startswith(prefix) and value), None)
            if key is not None:
                location = Setting(document, stanza, key, "").location
                message = f"{key[:80]} holds where the data is parsed first: heavy forwarder or indexer."
                yield found("index-time-setting", location, message)


def stanza_names(linted: LintedPackage) -> Iterator[LintFinding]:
    """Names of stanzas that fit no event."""
    for document, stanza in linted.stanzas("props"):
        yield from _sourcetype_faults(document, stanza)
    for kind in ("props", "transforms", "eventtypes", "tags"):
        for document, stanza in linted.stanzas(kind):
            if not stanza.name.strip():
                yield found("stanza-without-name", stanza_location(document, stanza), "The stanza has no name.")


def _sourcetype_faults(document: Document, stanza: Stanza) -> Iterator[LintFinding]:
    name = stanza.name
    if name.startswith((*OTHER_KINDS, SOURCETYPE_PATTERN)):
        return
    if "*" in name or "..." in name:
        message = f"[{name[:80]}] is read as a source type's very name: wildcards hold in source:: and host:: only."
        yield found("sourcetype-wildcard", stanza_location(document, stanza), message)
    elif "::" in name or not _SPECIAL.isdisjoint(name):
        message = f"[{name[:80]}] holds a character that Splunk Web does not show in names of source types."
        yield found("sourcetype-special-characters", stanza_location(document, stanza), message)
