"""REPORT: extractions of transforms.conf, by expression or by delimiters (transforms.conf.spec).

Named groups become fields; FORMAT says `name::$1`. Where the name itself is found (`$1::$2`, `_KEY_1`, `_VAL_1`) the
expression is applied until nothing more matches, and so it is with MV_ADD, which keeps all values of a field. Two
groups in one value (`name::$1$2`) are refused at search time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.addons.package.conf import ConfFile
from app.addons.regexes import RegexMatch
from app.addons.replay.formats.delimited import alternating, named_values, pairs
from app.addons.replay.formats.field_names import cleaned_name
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.searching.inline import texts_of
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import listed, quoted_list, switch

MAX_MATCHES = 1_000
"""Matches of one expression in one event that are read."""
_PART = re.compile(r'(?<![^\s"])([^\s":]++(?::[^\s":]++)*+)::("(?:[^"\\]|\\.)*"|\S*)')
_GROUP = re.compile(r"\$(\d{1,2})\Z")
_ANY_GROUP = re.compile(r"\$\d")
_KEY, _VALUE = "_KEY_", "_VAL_"


@dataclass(frozen=True)
class Transform:
    """One transform; either `pattern` or `delimiters` is there. `parts` are names and values of FORMAT."""

    name: str
    source: str
    pattern: SettingPattern | None
    parts: tuple[tuple[str, str], ...]
    delimiters: tuple[str, ...]
    names: tuple[str, ...]
    mv_add: bool
    clean_keys: bool
    keep_empty: bool

    @property
    def repeats(self) -> bool:
        """Whether the expression is applied until nothing more matches."""
        named = self.pattern.regex.names if self.pattern else {}
        return self.mv_add or any("$" in name for name, _ in self.parts) or any(key.startswith(_KEY) for key in named)


def search_transforms(settings: Settings, transforms: ConfFile, findings: Findings) -> list[Transform]:
    """The transforms that the REPORTs name, in their order; what is missing or wrong is a problem and left out."""
    by_name = {stanza.name: stanza.settings for stanza in transforms.stanzas}
    found = []
    for key, value in settings.classes("REPORT-"):
        for name in listed(value):
            if name not in by_name:
                findings.add(f"{settings.named(key)}: transforms.conf has no stanza [{name[:80]}]")
                continue
            transform = _transform(name, {**by_name.get("default", {}), **by_name[name]}, findings)
            found += [transform] if transform else []
    return found


def _transform(name: str, values: Mapping[str, str], findings: Findings) -> Transform | None:
    setting = f"transforms.conf [{name}]"
    pattern = findings.compile(f"{setting} REGEX", values["REGEX"]) if values.get("REGEX") else None
    delimiters = quoted_list(values.get("DELIMS", ""))
    if pattern is None and not delimiters:
        if not values.get("REGEX"):
            findings.add(f"{setting}: neither REGEX nor DELIMS: nothing is extracted")
        return None
    parts = tuple(format_parts(values.get("FORMAT", ""))) if pattern else ()
    for _, value in parts:
        if _ANY_GROUP.search(value) and not _GROUP.match(value):
            findings.add(f"{setting} FORMAT: {value[:80]} joins texts, which Splunk does at index time alone")
    if pattern is not None and not parts and not pattern.regex.names:
        findings.add(f"{setting} REGEX: neither named groups nor FORMAT: nothing is extracted")
    return Transform(
        name=name,
        source=values.get("SOURCE_KEY", "_raw").strip() or "_raw",
        pattern=pattern,
        parts=parts,
        delimiters=delimiters if pattern is None else (),
        names=quoted_list(values.get("FIELDS", "")),
        mv_add=switch(values, "MV_ADD", default=False),
        clean_keys=switch(values, "CLEAN_KEYS", default=True),
        keep_empty=switch(values, "KEEP_EMPTY_VALS", default=False),
    )


def format_parts(text: str) -> list[tuple[str, str]]:
    """Names and values of a FORMAT: `first::$1 second::$2` has two; a value may stand in double quotes."""
    return [(name, value.strip('"') if value[:1] == '"' else value) for name, value in _PART.findall(text)]


def extract_by_transforms(
    transforms: list[Transform], raw: str, defaults: Mapping[str, str], fields: EventFields, findings: Findings
) -> None:
    """Add what each transform finds to the fields."""
    for transform in transforms:
        for text in texts_of(transform.source, raw, defaults, fields):
            found = (
                _by_expression(transform, transform.pattern, text, findings)
                if transform.pattern
                else _by_delimiters(transform, text)
            )
            for name, value in found:
                if not value and not transform.keep_empty:
                    continue
                field = cleaned_name(name) if transform.clean_keys else name
                (fields.append if transform.mv_add else fields.extract)(field, value)


def _by_delimiters(transform: Transform, text: str) -> list[tuple[str, str]]:
    if len(transform.delimiters) > 1:
        return list(pairs(text, transform.delimiters[0], transform.delimiters[1]))
    if transform.names:
        return list(named_values(text, transform.delimiters[0], transform.names))
    return list(alternating(text, transform.delimiters[0]))


def _by_expression(
    transform: Transform, pattern: SettingPattern, text: str, findings: Findings
) -> list[tuple[str, str]]:
    if not transform.repeats:
        match = findings.search(pattern, text)
        return [] if match is None else _of_match(transform, match)
    found: list[tuple[str, str]] = []
    for count, match in enumerate(findings.matches(pattern, text)):
        if count >= MAX_MATCHES:
            break
        found += _of_match(transform, match)
    return found


def _of_match(transform: Transform, match: RegexMatch) -> list[tuple[str, str]]:
    found = [(_expanded(name, match), _expanded(value, match)) for name, value in transform.parts]
    for name, value in match.named.items():
        if name.startswith(_KEY):
            found.append((value or "", match.named.get(_VALUE + name[len(_KEY) :]) or ""))
        elif not name.startswith(_VALUE) and value is not None:
            found.append((name, value))
    return [(name, value) for name, value in found if name]


def _expanded(text: str, match: RegexMatch) -> str:
    """The group that the text names, or the text itself; empty where the group took no part or groups are joined."""
    group = _GROUP.match(text)
    if group is None:
        return "" if _ANY_GROUP.search(text) else text
    index = int(group.group(1))
    return (match.groups[index] or "") if index < len(match.groups) else ""
