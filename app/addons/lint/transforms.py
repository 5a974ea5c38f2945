"""Stanzas of transforms.conf, and the references from props.conf to them."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.addons.lint.documents import Document, LintedPackage, Setting, stanza_location
from app.addons.lint.extractions import compiled
from app.addons.lint.findings import LintFinding, found
from app.addons.lint.keys.transforms import DESTINATIONS, LOOKUP_KEYS
from app.addons.package.conf import Stanza
from app.addons.replay.settings.values import listed, switch

_SEARCH_TIME: Final = ("REPORT-",)
_INDEX_TIME: Final = ("TRANSFORMS-", "RULESET-")
_NAMING_KEYS: Final = (*_SEARCH_TIME, *_INDEX_TIME, "STATSD-DIM-TRANSFORMS", "METRIC-SCHEMA-TRANSFORMS")
_OF_SPLUNK: Final = frozenset(
    {
        *("access-extractions", "access-request", "syslog-extractions", "syslog-host", "syslog-process"),
        *("syslog-header-stripper-ts", "syslog-header-stripper-ts-host", "syslog-header-stripper-ts-host-proc"),
        *("splunk-service-extractions", "colon-kv", "colon-line", "bracket-space", "send_to_nullqueue"),
    }
)
"""Transforms of Splunk's own system/default/transforms.conf, which every add-on may name."""
_GROUP: Final = re.compile(r"\$(\d{1,4})")
_PAIRS: Final = re.compile(r'(?:"[^"]*"|[^\s:"]|:(?!:))+::(?:"[^"]*"|[^\s"])*(?:\s+|$)')
_JOINED: Final = re.compile(r"\$\d+[^\s]|[^\s:]\$\d")
_DELIMS: Final = re.compile(r'"(?:[^"\\]|\\.)+"(?:\s*,\s*"(?:[^"\\]|\\.)+")?', re.DOTALL)
_SPECIAL_STANZAS: Final = ("statsd-dims:", "metric-schema:", "_ruleset:", "accepted_keys", "default")


def is_lookup(settings: Mapping[str, str]) -> bool:
    """Whether the stanza of transforms.conf defines a lookup."""
    return any(key in settings for key in LOOKUP_KEYS)


def _references(linted: LintedPackage, prefixes: tuple[str, ...]) -> Iterator[tuple[Setting, str]]:
    for setting in linted.settings("props"):
        if setting.key.startswith(prefixes):
            for name in listed(setting.value):
                yield setting, name


def missing_transforms(linted: LintedPackage) -> Iterator[LintFinding]:
    """References to transforms that the package does not have."""
    defined = linted.merged("transforms")
    for setting, name in _references(linted, _NAMING_KEYS):
        if name not in defined and name not in _OF_SPLUNK:
            message = f"transforms.conf has no stanza [{name[:80]}]."
            yield found("transform-missing", setting.location, message)


def unused_transforms(linted: LintedPackage) -> Iterator[LintFinding]:
    """Extractions that nothing names."""
    used = {name for _, name in _references(linted, _NAMING_KEYS)}
    used.update(
        part for setting in linted.settings("transforms") for part in re.findall(r"\[\[([\w-]+)", setting.value)
    )
    for document, stanza in linted.stanzas("transforms"):
        if is_lookup(stanza.settings) or stanza.name in used or stanza.name.startswith(_SPECIAL_STANZAS):
            continue
        message = f"No REPORT-, TRANSFORMS- or RULESET- names [{stanza.name[:80]}]."
        yield found("transform-unused", stanza_location(document, stanza), message)


def transforms_without_regex(linted: LintedPackage) -> Iterator[LintFinding]:
    """Transforms that have nothing to extract with, or two ways at once."""
    for document, stanza in linted.stanzas("transforms"):
        settings = stanza.settings
        if is_lookup(settings) or stanza.name.startswith(_SPECIAL_STANZAS):
            continue
        if not any(settings.get(key) for key in ("REGEX", "DELIMS", "INGEST_EVAL", "STOP_PROCESSING_IF")):
            message = f"[{stanza.name[:80]}] has neither REGEX nor DELIMS."
            yield found("transform-without-regex", stanza_location(document, stanza), message)
        if settings.get("REGEX") and settings.get("DELIMS"):
            location = Setting(document, stanza, "DELIMS", "").location
            yield found("regex-beside-delims", location, f"[{stanza.name[:80]}] has REGEX and DELIMS.")
        if settings.get("FIELDS") and not settings.get("DELIMS"):
            location = Setting(document, stanza, "FIELDS", "").location
            yield found("fields-without-delims", location, f"[{stanza.name[:80]}] has FIELDS without DELIMS.")
        if settings.get("DELIMS") and not _DELIMS.fullmatch(settings["DELIMS"]):
            location = Setting(document, stanza, "DELIMS", "").location
            message = f"{settings['DELIMS'][:60]} is not one or two texts in double quotes."
            yield found("delims-malformed", location, message)


def formats(linted: LintedPackage) -> Iterator[LintFinding]:
    """Disagreement of REGEX and FORMAT."""
    at_search = {name for _, name in _references(linted, _SEARCH_TIME)}
    at_index = {name for _, name in _references(linted, _INDEX_TIME)}
    for document, stanza in linted.stanzas("transforms"):
        settings = stanza.settings
        regex = compiled(settings["REGEX"]) if settings.get("REGEX") else None
        if regex is None or settings.get("INGEST_EVAL"):
            continue
        form = settings.get("FORMAT", "")
        named = [int(group) for group in _GROUP.findall(form)]
        place = Setting(document, stanza, "FORMAT" if form else "REGEX", "").location
        if not regex.groups and (named or stanza.name in at_search):
            yield found("transform-without-groups", place, "REGEX has no capturing group.")
        elif max(named, default=0) > regex.groups:
            message = f"FORMAT names ${max(named)}; REGEX has {regex.groups} group(s)."
            yield found("format-group-missing", place, message)
        if stanza.name in at_search and stanza.name not in at_index and form and not _is_search_format(form):
            yield found("format-malformed", place, f"{form[:80]} is no list of name::value.")


def _is_search_format(form: str) -> bool:
    position = 0
    while position < len(form):
        pair = _PAIRS.match(form, position)
        if pair is None:
            return False
        value = pair.group().partition("::")[2].strip()
        if _JOINED.search(value):
            return False
        position = pair.end()
    return True


def index_time_targets(linted: LintedPackage) -> Iterator[LintFinding]:
    """Index-time transforms that write nowhere, and destinations that Splunk does not have."""
    at_index = {name for _, name in _references(linted, _INDEX_TIME)}
    accepted = set(linted.merged("transforms").get("accepted_keys", Stanza("")).settings.values())
    for document, stanza in linted.stanzas("transforms"):
        settings = stanza.settings
        if stanza.name in at_index and not settings.get("INGEST_EVAL") and settings.get("REGEX"):
            yield from _target_faults(document, stanza)
        destination = settings.get("DEST_KEY", "")
        if destination and destination not in DESTINATIONS and destination not in accepted:
            location = Setting(document, stanza, "DEST_KEY", "").location
            yield found("unknown-destination", location, f"Splunk has no key {destination[:80]}.")


def _target_faults(document: Document, stanza: Stanza) -> Iterator[LintFinding]:
    settings = stanza.settings
    if not settings.get("FORMAT") and not settings.get("CLONE_SOURCETYPE"):
        message = f"[{stanza.name[:80]}] is used at index time and has no FORMAT."
        yield found("transform-without-target", stanza_location(document, stanza), message)
    elif not settings.get("DEST_KEY") and not switch(settings, "WRITE_META", default=False):
        message = f"[{stanza.name[:80]}] is used at index time and has neither DEST_KEY nor WRITE_META = true."
        yield found("transform-without-target", stanza_location(document, stanza), message)
