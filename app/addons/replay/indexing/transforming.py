"""TRANSFORMS: what is done to events before they are written (transforms.conf.spec, index-time transforms).

Classes run in ASCII order, the transforms of a class in their order. Emulated are the keys _raw, queue, _meta (or
WRITE_META), MetaData:Host, MetaData:Source and MetaData:Sourcetype; routing and other indexes change no event. Neither
CLONE_SOURCETYPE nor INGEST_EVAL is emulated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.addons.package.conf import ConfFile
from app.addons.regexes import RegexMatch
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.settings.expansion import expanded, group_text
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import listed, number, switch

DEFAULT_LOOKAHEAD = 4_096
"""Characters of the source that are searched: transforms.conf.spec, LOOKAHEAD."""
MAX_MATCHES = 1_000
MAX_TEXT_CHARACTERS = 1_000_000
"""Matches of one transform in an event, and characters that a FORMAT makes: more are cut off."""
_METADATA = {"MetaData:Host": "host", "MetaData:Source": "source", "MetaData:Sourcetype": "sourcetype"}
_OTHER_KEYS = frozenset(
    {"_MetaData:Index", "_TCP_ROUTING", "_SYSLOG_ROUTING", "_INDEX_AND_FORWARD_ROUTING", "_SOURCETYPE_ROUTING"}
)
_NOT_EMULATED = ("CLONE_SOURCETYPE", "INGEST_EVAL", "STOP_PROCESSING_IF")
_GROUP = re.compile(r"\$(\d{1,2})")
_META = re.compile(r'(?<![^\s:])([^\s:]++)::("(?:[^"\\]|\\.)*"|\S*)')


@dataclass(frozen=True)
class IndexTransform:
    """One transform; `key` is where the result goes."""

    pattern: SettingPattern
    source: str
    key: str
    form: str
    lookahead: int
    repeats: bool


def index_transforms(settings: Settings, transforms: ConfFile, findings: Findings) -> list[IndexTransform]:
    """The transforms that TRANSFORMS and then RULESET name, in their order; wrong ones are problems and left out."""
    by_name = {stanza.name: stanza.settings for stanza in transforms.stanzas}
    found = []
    for key, value in (*settings.classes("TRANSFORMS-"), *settings.classes("RULESET-")):
        for name in listed(value):
            if name not in by_name:
                findings.add(f"{settings.named(key)}: transforms.conf has no stanza [{name[:80]}]")
                continue
            transform = _transform(name, {**by_name.get("default", {}), **by_name[name]}, findings)
            found += [transform] if transform else []
    return found


def _transform(name: str, values: Mapping[str, str], findings: Findings) -> IndexTransform | None:
    setting = f"transforms.conf [{name[:80]}]"
    for key in _NOT_EMULATED:
        if values.get(key):
            findings.add(f"{setting} {key} is not emulated")
            return None
    if not values.get("REGEX"):
        findings.add(f"{setting}: no REGEX, which every transform at index time needs")
        return None
    pattern = findings.compile(f"{setting} REGEX", values["REGEX"])
    key = "_meta" if switch(values, "WRITE_META", default=False) else values.get("DEST_KEY", "").strip()
    if not key or (key not in _METADATA and key not in _OTHER_KEYS and key not in {"_raw", "queue", "_meta"}):
        findings.add(f"{setting}: DEST_KEY {key[:80] or 'is missing'} is not emulated")
        return None
    if pattern is None:
        return None
    return IndexTransform(
        pattern,
        values.get("SOURCE_KEY", "_raw").strip() or "_raw",
        key,
        values.get("FORMAT", f"{name}::$1"),
        number(values, "LOOKAHEAD", DEFAULT_LOOKAHEAD),
        switch(values, "REPEAT_MATCH", default=False) and key != "_raw",
    )


def transformed(event: IndexedEvent, transforms: list[IndexTransform], findings: Findings) -> IndexedEvent | None:
    """The event after all transforms; None where its queue is the nullQueue at the end."""
    queue = ""
    for transform in transforms:
        text = _source_text(event, transform.source)[: max(0, transform.lookahead)]
        for match in _found(transform, text, findings):
            if transform.key == "queue":
                queue = _expanded(transform.form, match, "").strip()
            else:
                event = _changed(event, transform, match)
    return None if queue == "nullQueue" else event


def _found(transform: IndexTransform, text: str, findings: Findings) -> list[RegexMatch]:
    if transform.repeats:
        pairs = zip(findings.matches(transform.pattern, text), range(MAX_MATCHES), strict=False)
        return [match for match, _ in pairs]
    match = findings.search(transform.pattern, text)
    return [] if match is None else [match]


def _source_text(event: IndexedEvent, key: str) -> str:
    """The text of the key; values of MetaData keys begin with their kind, as `host::web01`."""
    if key in _METADATA:
        kind = _METADATA[key]
        return f"{kind}::{getattr(event, kind)}"
    prefix, colon, names = key.partition(":")
    if colon and prefix in {"field", "fields"}:
        return " ".join(event.fields[name][0] for name in listed(names) if name in event.fields)
    return event.raw if key == "_raw" else ""


def _changed(event: IndexedEvent, transform: IndexTransform, match: RegexMatch) -> IndexedEvent:
    if transform.key == "_raw":
        return replace(event, raw=_expanded(transform.form, match, event.raw))
    text = _expanded(transform.form, match, "")
    if transform.key == "_meta":
        fields = dict(event.fields)
        for name, value in _META.findall(text):
            plain = value[1:-1] if value[:1] == '"' and len(value) > 1 else value
            if plain:
                fields[name] = (*fields.get(name, ()), plain)[:MAX_MATCHES]
        return replace(event, fields=fields)
    kind = _METADATA.get(transform.key)
    value = text.strip().removeprefix(f"{kind}::")
    if kind == "host":
        return replace(event, host=value)
    if kind == "source":
        return replace(event, source=value)
    return replace(event, sourcetype=value) if kind == "sourcetype" else event


def _expanded(form: str, match: RegexMatch, before: str) -> str:
    """The FORMAT with its groups; `$0` is what the key held before, a group that the expression lacks stays."""

    def group(reference: re.Match[str]) -> str:
        index = int(reference.group(1))
        if index == 0:
            return before
        return group_text(match.groups, index) if index < len(match.groups) else reference.group()

    return expanded(form, _GROUP, group, MAX_TEXT_CHARACTERS)
